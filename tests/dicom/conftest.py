"""Skips the tests of objects where the extra ``dicom`` is not installed."""

from __future__ import annotations

import pytest

pytest.importorskip("highdicom")
