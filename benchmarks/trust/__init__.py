"""What the networks' doubt is worth: pictures unlike the training images, and confidence against the true Dice, on test groups."""
