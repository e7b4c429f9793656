"""Predictions for annotation programs: masks with their numbers that an annotator corrects."""
