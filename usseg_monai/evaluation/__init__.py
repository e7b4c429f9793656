"""Evaluation of results: cases, summary, confidence intervals, figures. Floor 4."""
