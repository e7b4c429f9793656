"""Robustness of the shipped networks to pictures that are darkened, blurred, compressed, cropped, rotated or annotated."""
