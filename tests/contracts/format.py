"""What every format of images promises, whatever package wrote the file."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from tests.imaging.samples import COLS, ROWS, SPACING_MM, SUFFIX, as_file, l_mask, mask_sample, picture, sample
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, Limits, is_image_name, read_frames, read_image, read_mask


class FormatContract:
    """Shape, values, spacing, bounds and damage of the files of one format.

    >>> class TestPNG(FormatContract):
    ...     name, kind = "png", "png"

    Attributes:
        name: of the sample.
        kind: what the source of a frame calls the format.
        spacing: whether the file has a pixel size.
        tolerance: by how much a grey value may differ, for lossy formats.
        tail: bytes at the end without which the picture is whole.
    """

    name: str
    kind: str
    spacing: bool = False
    tolerance: int = 0
    tail: int = 0

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / f"sample{SUFFIX[self.name]}"
        path.write_bytes(sample(self.name))
        return path

    @pytest.fixture
    def image(self, file: Path) -> GreyImage:
        return read_image(file)

    def test_rows_and_columns_lie_as_they_are_shown(self, image: GreyImage) -> None:
        assert image.pixels.shape == (ROWS, COLS)
        assert np.abs(image.pixels - picture().astype(np.float64)).max() <= self.tolerance

    def test_pixels_are_finite_floats(self, image: GreyImage) -> None:
        assert image.pixels.dtype == np.float32 and np.isfinite(image.pixels).all()

    def test_a_pixel_size_is_in_millimetres_of_rows_and_columns_or_not_known(self, image: GreyImage) -> None:
        if self.spacing:
            assert image.spacing_mm == pytest.approx(SPACING_MM)
        else:
            assert image.spacing_mm is None

    def test_the_source_says_where_it_came_from(self, image: GreyImage, file: Path) -> None:
        assert (image.source.path, image.source.frame, image.source.frames) == (file, 0, 1)
        assert image.source.format == self.kind

    def test_folders_are_searched_for_its_suffix(self, file: Path) -> None:
        assert is_image_name(file) and is_image_name(file.name.upper())

    def test_the_content_tells_the_format_and_bytes_read_as_files_do(self, image: GreyImage, tmp_path: Path) -> None:
        data = sample(self.name)
        for wrong in ("wrong.png", "wrong.dcm", "wrong"):
            (tmp_path / wrong).write_bytes(data)
            assert np.array_equal(read_image(tmp_path / wrong).pixels, image.pixels)
        assert np.array_equal(read_image(data).pixels, image.pixels)

    def test_a_frame_that_is_not_there_is_an_error(self, file: Path) -> None:
        assert len(list(read_frames(file))) == 1
        with pytest.raises(ImageError, match="no frame 1; the file has 1"):
            read_image(file, frame=1)

    def test_bounds_of_a_frame_hold_exactly(self, file: Path) -> None:
        assert read_image(file, limits=Limits(max_pixels=ROWS * COLS)).pixels.size == ROWS * COLS
        for limits in (Limits(max_pixels=ROWS * COLS - 1), Limits(max_side=COLS - 1), Limits(min_side=ROWS + 1)):
            with pytest.raises(ImageError) as error:
                read_image(file, limits=limits)
            assert is_one_line_of(error.value, file)

    def test_the_smallest_picture_is_read_and_a_smaller_one_refused(self, tmp_path: Path) -> None:
        path = tmp_path / f"small{SUFFIX[self.name]}"
        path.write_bytes(as_file(self.name, picture()[:8, :8]))
        assert read_image(path).pixels.shape == (8, 8)
        path.write_bytes(as_file(self.name, picture()[:7, :9]))
        with pytest.raises(ImageError, match="too small"):
            read_image(path)

    def test_a_file_that_was_cut_is_an_error_and_no_picture(self, tmp_path: Path) -> None:
        data = sample(self.name)
        path = tmp_path / f"cut{SUFFIX[self.name]}"
        for length in chain(range(0, len(data) - self.tail, max(len(data) // 12, 1)), (len(data) - self.tail - 1,)):
            path.write_bytes(data[:length])
            with pytest.raises(ImageError) as error:
                read_image(path)
            assert is_one_line_of(error.value, path), length

    def test_a_mask_keeps_its_structure(self, tmp_path: Path) -> None:
        path = tmp_path / f"mask{SUFFIX[self.name]}"
        path.write_bytes(mask_sample(self.name))
        mask = read_mask(path)
        assert mask.dtype == np.uint8 and np.array_equal(mask > 0, l_mask() > 0)


def is_one_line_of(error: ImageError, file: Path) -> bool:
    """Whether an error is one line, and names the file."""
    return file.name in str(error) and "\n" not in str(error)
