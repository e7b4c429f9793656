"""The MONAI reader: every format lands where it should, and a mask saved from it does too."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose, Lambdad, LoadImaged, SaveImaged

from tests.imaging.samples import COLS, FORMATS, ROWS, SPACING_MM, SUFFIX, WITH_SPACING, l_mask, mask_sample, picture, sample, tiff_pages
from usseg_monai.data.image_reader import UssegReader
from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_image, read_mask

READER: Any = UssegReader()  # MONAI declares the class only, and takes an object too


def load(path: Path, reader: Any = READER) -> MetaTensor:
    item = LoadImaged(keys="image", reader=reader, ensure_channel_first=True)({"image": path})
    image: MetaTensor = item["image"]
    return image


@pytest.fixture(params=FORMATS)
def image_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"{request.param}{SUFFIX[request.param]}"
    path.write_bytes(sample(request.param))
    return path


def test_arrays_are_w_h_float32_with_a_4x4_affine(image_file: Path) -> None:
    image = load(image_file)
    assert image.shape == (1, COLS, ROWS) and image.dtype == torch.float32
    assert np.abs(image[0].numpy().T - picture()).max() <= (1 if image_file.suffix == ".jpeg" else 0)
    assert image.affine.shape == (4, 4)


@pytest.mark.parametrize("name", FORMATS)
def test_spacing_is_in_the_affine_and_nan_where_unknown(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{SUFFIX[name]}"
    path.write_bytes(sample(name))
    image = load(path)
    row, col = SPACING_MM if name in WITH_SPACING else (1.0, 1.0)
    np.testing.assert_array_equal(image.affine, np.diag([col, row, 1, 1]))
    expected = SPACING_MM if name in WITH_SPACING else (np.nan, np.nan)
    np.testing.assert_array_equal(image.meta["spacing_mm"], expected)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("extension", [".png", ".nii.gz"])
def test_a_saved_mask_lies_on_its_image(name: str, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{SUFFIX[name]}"
    path.write_bytes(mask_sample(name))
    chain = Compose(
        [
            LoadImaged("image", reader=READER, ensure_channel_first=True),
            Lambdad("image", lambda image: (image > 127) * 255),
            SaveImaged(
                "image",
                output_dir=tmp_path / "out",
                output_ext=extension,
                output_dtype=np.uint8,
                separate_folder=False,
                print_log=False,
            ),
        ]
    )
    chain({"image": path})
    (saved,) = (tmp_path / "out").iterdir()
    np.testing.assert_array_equal(read_mask(saved), l_mask())
    if extension == ".nii.gz" and name in WITH_SPACING:
        assert read_image(saved).spacing_mm == SPACING_MM


def test_the_dotted_path_is_enough(image_file: Path) -> None:
    image = load(image_file, "usseg_monai.data.image_reader.UssegReader")
    assert image.shape == (1, COLS, ROWS)


def test_batches_mix_formats_with_and_without_spacing(tmp_path: Path) -> None:
    items = []
    for name in FORMATS:
        path = tmp_path / f"{name}{SUFFIX[name]}"
        path.write_bytes(sample(name))
        items.append({"image": path})
    dataset = Dataset(items, LoadImaged("image", reader=READER, ensure_channel_first=True))
    batch = next(iter(DataLoader(dataset, batch_size=len(items))))
    assert batch["image"].shape == (len(items), 1, COLS, ROWS)
    assert batch["image"].meta["spacing_mm"].shape == (len(items), 2)


def test_no_patient_data_in_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    path.write_bytes(sample("dicom"))
    assert b"Doe^Jane" in sample("dicom")
    meta = str(load(path).meta)
    assert "Doe" not in meta and "4711" not in meta


def test_a_bad_file_reaches_the_user_as_our_error_and_no_other_reader_tries(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"  # MONAI's ITK reader would make a volume of it
    path.write_bytes(tiff_pages([picture(), picture()]))
    with pytest.raises(ImageError, match=r"pages\.tif: 2 frames"):
        load(path)


def test_several_files_are_not_stacked(image_file: Path) -> None:
    with pytest.raises(ImageError, match="2 files for one image"):
        LoadImaged("image", reader=READER)({"image": [image_file, image_file]})


def test_suffixes() -> None:
    reader = UssegReader()
    assert reader.verify_suffix(["a.png", Path("b.NII.GZ")])
    assert not reader.verify_suffix("a.txt")


class _Pages(torch.utils.data.Dataset[float]):
    """The mean of each page of a file whose pages are decoded in a process of their own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> float:
        return float(read_image(self.path, frame=index).pixels.mean())


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_forked_workers_of_a_data_loader_have_decoding_processes_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([np.full((16, 16), 10 * page, np.uint8) for page in range(6)]))
    here = [_Pages(path)[index] for index in range(6)]  # so that a process is there when workers are forked
    loader = torch.utils.data.DataLoader(_Pages(path), batch_size=None, num_workers=2, multiprocessing_context="fork")
    assert list(loader) == here == [0, 10, 20, 30, 40, 50]
