"""What can be taken away is what a run writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_frames, read_mask
from usseg_monai.runs.table import column_names, failed_row
from usseg_monai.tasks import get_task
from usseg_monai.web.tables import mask_nifti, mask_png, row_of, table
from usseg_monai.web.wire import packed

TASK = get_task("nerve")
MASK = np.zeros((20, 30), np.uint8)
MASK[5:9, 7:20] = 1


def row(file: str) -> dict[str, Any]:
    return {**failed_row(TASK, file, 0, "why"), "corrected": "no"}


def test_formulas_are_texts() -> None:
    text = table(packed({"task": "nerve", "rows": [row(file) for file in ("=1+1.png", "+a.png", "-b.png", "@c.png", 'd",e.png')]}))
    lines = text.splitlines()
    assert [line[0] for line in lines[1:5]] == ["'"] * 4 and lines[5].startswith('"d"",e.png"')
    assert lines[0] == ",".join([*column_names(TASK), "corrected"])


def test_rows_that_are_none() -> None:
    for wrong in (
        {},
        None,
        row("a") | {"frame": [1]},
        row("a") | {"file": "a" * 2001},
        row("a") | {"area_mm2": float("inf")},
        row("a") | {"frame": True},
    ):
        with pytest.raises(UsageError):
            row_of(TASK, wrong)
    with pytest.raises(UsageError, match="no table of parts"):
        table(packed({"task": "nerve", "rows": [], "parts": True}))


def test_a_mask_as_png(tmp_path: Path) -> None:
    png = mask_png(packed({"rows": 20, "cols": 30}, [MASK.tobytes()]))
    (tmp_path / "mask.png").write_bytes(png)
    assert np.array_equal(read_mask(tmp_path / "mask.png"), MASK)


def test_a_mask_as_nifti_has_its_place(tmp_path: Path) -> None:
    place = {"position_mm": [10.0, 20.0, 30.0], "normal": [0.0, 0.0, 1.0], "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]}
    text = {"rows": 20, "cols": 30, "spacing_mm": [0.5, 0.25], "slices": 2}
    places = [place | {"position_mm": [10.0, 20.0, 30.0 + 8 * (number % 2)]} for number in range(4)]
    (tmp_path / "mask.nii.gz").write_bytes(mask_nifti(packed(text | {"places": places}, [MASK.tobytes()] * 4)))
    frames = list(read_frames(tmp_path / "mask.nii.gz"))
    assert len(frames) == 4 and all(np.array_equal(frame.pixels, MASK) for frame in frames)
    assert frames[0].spacing_mm == pytest.approx((0.5, 0.25))
    first, second = (frame.place for frame in frames[:2])
    assert first is not None and first.position_mm == pytest.approx((10, 20, 30))
    assert second is not None and second.position_mm == pytest.approx((10, 20, 38))
    wrong: dict[str, Any]
    for wrong in ({"places": []}, {"places": [None] * 3}, {"places": [None, None], "slices": 0}):
        with pytest.raises(UsageError):
            mask_nifti(packed(text | wrong, [MASK.tobytes()] * 4))
