"""Quality of the networks' trust outputs: detection of out-of-distribution pictures, and confidence against true Dice, on test groups."""
