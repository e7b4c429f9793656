"""Geometry of masks: borders, runs, hulls, ellipses. Floor 1: numpy only."""
