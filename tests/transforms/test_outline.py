"""Outlines in MONAI's transforms."""

from __future__ import annotations

import torch
from monai.data import MetaTensor

from tests.data.samples import disc, outline_of
from usseg_monai.transforms.outline import FillOutlined


def test_an_outline_becomes_a_mask_and_keeps_type_and_metadata() -> None:
    mask = torch.from_numpy(disc(center=(6, 30)))[None]
    outline = torch.from_numpy(outline_of(disc(center=(6, 30))))[None].float() * 255
    item = {"label": MetaTensor(outline, meta={"filename_or_obj": "x.png"}), "image": "untouched"}
    filled = FillOutlined("label")(item)
    assert filled["image"] == "untouched"
    assert isinstance(filled["label"], MetaTensor)
    assert filled["label"].meta["filename_or_obj"] == "x.png"
    assert filled["label"].dtype == torch.float32
    assert torch.equal(filled["label"].as_tensor(), mask.float())
    assert item["label"].max() == 255


def test_a_missing_label_may_be_allowed() -> None:
    assert FillOutlined("label", allow_missing_keys=True)({"image": 1}) == {"image": 1}
