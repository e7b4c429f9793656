"""Pictures as viewers of volumes take them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import dicom_bytes
from tests.tiny import ellipse, save_picture
from usseg_monai.label_app.viewers import grey_content, name_for_viewers


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_a_colour_picture_is_given_in_grey(tmp_path: Path, suffix: str) -> None:
    grey = ellipse() * np.uint8(180)
    file = save_picture(tmp_path / f"a{suffix}", np.stack([grey] * 3, -1))
    content = grey_content(file)
    assert content is not None and name_for_viewers(file) == "a.png"
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "L" and np.array_equal(np.asarray(picture), grey)


def test_others_stay_as_they_are(tmp_path: Path) -> None:
    files = [save_picture(tmp_path / "a.png"), tmp_path / "a.dcm", tmp_path / "broken.png"]
    files[1].write_bytes(dicom_bytes(ellipse()))
    files[2].write_bytes(b"no image")
    assert [grey_content(file) for file in files] == [None] * 3
    assert [name_for_viewers(file) for file in files] == ["a.png", "a.dcm", "broken.png"]
