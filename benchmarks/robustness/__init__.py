"""What the shipped networks make of pictures that were darkened, blurred, compressed, cut, turned or written on."""
