from __future__ import annotations

from pathlib import Path

import pytest

from tests.imaging.samples import dicom_bytes, picture
from usseg_monai.imaging import read_image


@pytest.mark.parametrize(("stated", "read"), [(301, 301), (None, None), ("12", 12)])
def test_number_of_the_series(stated: int | str | None, read: int | None, tmp_path: Path) -> None:
    file = tmp_path / "1.dcm"
    file.write_bytes(dicom_bytes(picture(), **({} if stated is None else {"SeriesNumber": stated})))
    place = read_image(file).place
    assert place is not None and place.series_number == read
