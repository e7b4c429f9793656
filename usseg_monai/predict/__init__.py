"""Predicts a mask and its measurements from an image: `Predictor` and its engines. Floor 4."""
