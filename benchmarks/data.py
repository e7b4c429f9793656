"""Location of the real images for the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["DATA_ROOT"]

DATA_ROOT = Path(os.environ.get("USSEG_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
"""Folder of hc18/, nerve/, busi/, busbra/, breast_lesions_usg/ and sunnybrook/: the variable ``USSEG_DATA``, else beside the checkout."""
