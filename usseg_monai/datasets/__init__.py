"""Readers of public data sets, splits by group, datalists. Floor 3: no torch."""
