"""Tests of usseg_monai.transforms.run_length."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from tests.datasets.samples import write_png
from usseg_monai.data.image_reader import UssegReader
from usseg_monai.errors import ImageError
from usseg_monai.transforms.run_length import DecodeRunLength, DecodeRunLengthd, EncodeRunLength, EncodeRunLengthd

READER: Any = UssegReader()  # MONAI declares the class only, and takes an object too
CODE = "5 2 9 3"
MASK = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]], np.uint8)  # rows x columns of the picture


def test_a_loaded_mask_gets_the_code_of_the_picture(tmp_path: Path) -> None:
    mask = np.zeros((10, 8), np.uint8)  # a swap of the axes shows
    mask[:4, :4] = MASK
    file = write_png(tmp_path / "mask.png", mask * 255)
    chain = Compose([LoadImaged("label", reader=READER), EnsureChannelFirstd("label"), EncodeRunLengthd("label")])
    assert chain({"label": str(file), "group": "1"}) == {"label": "11 2 21 3", "group": "1"}


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, MetaTensor])
def test_there_and_back_for_every_kind_of_array(kind: Callable[..., Any]) -> None:
    mask = kind(MASK.T[None].astype(np.float32))
    assert EncodeRunLength()(mask) == CODE
    decoded = DecodeRunLength((4, 4))(CODE)
    assert decoded.dtype == torch.float32
    assert np.array_equal(decoded[0].numpy().T, MASK)


def test_dictionary_forms_are_inverse_and_leave_other_keys_alone() -> None:
    item: dict[Hashable, Any] = {"pred": torch.zeros(1, 7, 5), "other": torch.ones(1)}
    item["pred"][0, 2:4, 1:3] = 1
    encoded = EncodeRunLengthd("pred")(item)
    assert encoded["pred"] == "12 2 17 2" and encoded["other"] is item["other"]
    assert torch.equal(DecodeRunLengthd("pred", (7, 5))(encoded)["pred"], item["pred"])


def test_an_empty_mask_has_an_empty_code() -> None:
    assert EncodeRunLength()(torch.zeros(1, 3, 3)) == ""
    assert not DecodeRunLength((3, 3))("").any()


def test_what_is_no_mask_or_code_is_an_error() -> None:
    with pytest.raises(ImageError, match="2-D"):
        EncodeRunLength()(torch.zeros(2, 3, 3))
    with pytest.raises(ImageError, match="needs a length"):
        DecodeRunLength((3, 3))("1")
    with pytest.raises(KeyError, match="label"):
        EncodeRunLengthd("label")({})
    assert EncodeRunLengthd("label", allow_missing_keys=True)({}) == {}
