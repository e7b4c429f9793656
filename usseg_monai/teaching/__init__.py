"""Recipes of the tutorials: networks, padding, and ``configs/TASK/*.json``, which are merged onto a bundle's configs. Floor 5."""
