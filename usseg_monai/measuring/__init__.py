"""Shared measurement code of all tasks: result and status, largest region, plausibility, trust. Floor 2."""
