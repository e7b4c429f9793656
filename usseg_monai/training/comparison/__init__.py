"""Comparison of networks by cross-validation: runs, statistics, report."""
