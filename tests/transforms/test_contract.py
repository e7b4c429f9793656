"""What every public transform promises, in both of its forms, as MONAI's own do."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Flip, Flipd, InvertibleTransform, LazyTrait, MapTransform, Randomizable, Transform
from monai.utils import TransformBackends

import usseg_monai.transforms
from usseg_monai.data import save
from usseg_monai.geometry.sector import Sector
from usseg_monai.teaching import square

PLACES = (usseg_monai.transforms, square, save)
PUBLIC: dict[str, Any] = {name: getattr(place, name) for place in PLACES for name in place.__all__}
TRANSFORMS = {name: kind for name, kind in PUBLIC.items() if inspect.isclass(kind) and issubclass(kind, Transform)}
DICTIONARIES = {name: kind for name, kind in TRANSFORMS.items() if issubclass(kind, MapTransform)}
ARRAYS = {name: kind for name, kind in TRANSFORMS.items() if name not in DICTIONARIES}
FORMS = sorted({kind.__name__ for kind in DICTIONARIES.values()})

MAKE_KEYS = {"SplitHeadsd", "NameOutputsd"}
"""They make keys, so there is no array form, as of MONAI's `FlattenSubKeysd`."""
WRITES = {"SaveMaskd"}
"""Needs a folder."""

SECTOR = Sector(apex=(40, -20), near=25, far=75, left=-0.6, right=0.6)


def picture(channels: int = 1) -> torch.Tensor:
    """A sector of 80 x 60 pixels with smooth grey values in it."""
    across, down = torch.meshgrid(torch.linspace(0, 1, 80), torch.linspace(0, 1, 60), indexing="ij")
    return (torch.from_numpy(SECTOR.mask((60, 80)).T) * (60 + 100 * across + 50 * down))[None].repeat(channels, 1, 1)


def mask() -> torch.Tensor:
    label = torch.zeros(1, 80, 60)
    label[:, 20:40, 25:40] = 1
    return label


@dataclass(frozen=True)
class Case:
    """How the contract calls a transform.

    Attributes:
        value: what goes in.
        options: of both constructors.
        others: further items of the dictionary form; their values are the array form's further arguments.
        exact: whether the inverse restores the values where the forward way kept them.
        lossy: largest mean error of an inverse that is not exact, of 210 grey values.
    """

    value: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)
    exact: bool = False
    lossy: float = 0.0


WINDOW = [5, 10, 30, 40]
CASES = {
    "AcousticShadowd": Case(picture(), {"centre": 0.5, "width": 0.2, "depth": 0.3, "loss_db": 20, "sector": SECTOR}),
    "AntialiasedResized": Case(picture(), {"spatial_size": (64, 48)}, lossy=6.0),
    "CropWindowd": Case(picture(2), {}, {"window": WINDOW}, exact=True),
    "DecodeRunLengthd": Case("1 4 70 20", {"spatial_size": (80, 60)}, exact=True),
    "EmptyUnlessPresentd": Case(mask(), {"threshold": 0.5}, {"pred_class": torch.tensor([0.8, 0.1, 0.1])}),
    "EncodeRunLengthd": Case(mask()),
    "FinestHeadd": Case(torch.rand(3, 1, 8, 6)),
    "GainCompensationd": Case(picture(), {"gains_db": (0, 6, 12)}),
    "InverseScanConvertd": Case(picture(), {"sector": SECTOR}, lossy=3.0),
    "LoadAnnotationd": Case([], {}, {"image": picture()}),
    "NameOutputsd": Case(torch.tensor([0.25, 0.75]), {"names": ["no", "yes"]}),
    "PadToSquared": Case(picture(), {"colour": 7.0}, exact=True),
    "RandAcousticShadowd": Case(picture(), {"prob": 1.0}),
    "RandCalipersd": Case(picture(), {"prob": 1.0}),
    "RandDepthSpeckled": Case(picture(), {"prob": 1.0, "sector": SECTOR}),
    "RandGainCompensationd": Case(picture(), {"prob": 1.0}),
    "RandGainRampd": Case(picture(), {"prob": 1.0}),
    "RandShadowd": Case(picture(), {"prob": 1.0}),
    "RandSpeckled": Case(picture(), {"prob": 1.0}),
    "RandStructureWindowd": Case(mask(), {"prob": 1.0, "empty_share": 0.0}, {"label": mask()}, exact=True),
    "SaveMaskd": Case(mask(), {}, {"output": "a/b"}),
    "ScanConvertd": Case(torch.rand(1, 64, 50) * 200, {"sector": SECTOR, "spatial_size": (80, 60)}, lossy=60.0),
    "SplitHeadsd": Case({"mask": mask(), "class": torch.zeros(3)}),
}


def options(name: str, folder: Path) -> dict[str, Any]:
    return dict(CASES[name].options) | ({"output_dir": str(folder)} if name in WRITES else {})


def dictionary_form(name: str, folder: Path, **more: Any) -> Any:
    return seeded(DICTIONARIES[name](keys=["pred"], **options(name, folder), **more))


def array_form(name: str, folder: Path) -> Any:
    return seeded(ARRAYS[name[:-1]](**options(name, folder)))


def seeded(transform: Any) -> Any:
    return transform.set_random_state(3) if isinstance(transform, Randomizable) else transform


def item(name: str) -> dict[Hashable, Any]:
    return {"pred": CASES[name].value} | dict(CASES[name].others.items())


def plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, (torch.Tensor, np.ndarray)) else value


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(plain(one), plain(other))


with_array_form = pytest.mark.parametrize("name", [name for name in FORMS if name not in MAKE_KEYS])
every = pytest.mark.parametrize("name", FORMS)


def test_every_public_transform_has_a_case_and_both_forms() -> None:
    assert set(FORMS) == set(CASES)
    assert {kind.__name__ for kind in ARRAYS.values()} == {name[:-1] for name in FORMS} - {name[:-1] for name in MAKE_KEYS}


@every
def test_aliases_are_the_class(name: str) -> None:
    for ending in ("d", "D", "Dict"):
        assert PUBLIC[name[:-1] + ending] is DICTIONARIES[name]


@every
def test_the_backend_is_stated(name: str) -> None:
    backend = DICTIONARIES[name].backend
    assert backend and set(backend) <= set(TransformBackends)
    if name not in MAKE_KEYS:
        assert ARRAYS[name[:-1]].backend == backend


@every
def test_a_missing_key_is_an_error_unless_it_is_allowed(name: str, tmp_path: Path) -> None:
    others = {"label": mask(), **CASES[name].others}
    with pytest.raises((KeyError, ValueError)):
        dictionary_form(name, tmp_path)(dict(others))
    result = dictionary_form(name, tmp_path, allow_missing_keys=True)(dict(others))
    assert "pred" not in result


@with_array_form
def test_both_forms_give_the_same(name: str, tmp_path: Path) -> None:
    by_key = dictionary_form(name, tmp_path)(item(name))["pred"]
    alone = array_form(name, tmp_path)(CASES[name].value, *CASES[name].others.values())
    assert_same(by_key, alone)


@with_array_form
def test_the_input_and_other_keys_are_left_alone(name: str, tmp_path: Path) -> None:
    given, before = item(name) | {"other": "kept"}, pickle.loads(pickle.dumps(CASES[name].value))
    result = dictionary_form(name, tmp_path)(given)
    assert given.keys() == item(name).keys() | {"other"} and result["other"] == "kept"
    assert_same(given["pred"], before)


@every
def test_it_can_be_pickled_and_does_the_same_then(name: str, tmp_path: Path) -> None:
    """As the workers of a `DataLoader` need it under ``spawn``."""
    transform = dictionary_form(name, tmp_path)
    copy = pickle.loads(pickle.dumps(transform))
    first, second = transform(item(name)), copy(item(name))
    assert first.keys() == second.keys()
    assert_same(first["pred"], second["pred"])


@pytest.mark.parametrize("name", [name for name in FORMS if isinstance(CASES[name].value, torch.Tensor) and name not in MAKE_KEYS | WRITES])
def test_numpy_arrays_and_metatensors_are_taken_as_tensors_are(name: str, tmp_path: Path) -> None:
    expected = dictionary_form(name, tmp_path)(item(name))["pred"]
    for kind in (np.asarray, MetaTensor):
        assert_same(dictionary_form(name, tmp_path)(item(name) | {"pred": kind(CASES[name].value)})["pred"], expected)


@pytest.mark.parametrize("name", [name for name in FORMS if issubclass(DICTIONARIES[name], Randomizable)])
def test_all_keys_of_an_item_get_what_was_drawn_for_the_first(name: str, tmp_path: Path) -> None:
    transform = seeded(DICTIONARIES[name](keys=["pred", "again"], **options(name, tmp_path)))
    result = transform(item(name) | {"again": CASES[name].value})
    assert_same(result["pred"], result["again"])
    assert not torch.equal(torch.as_tensor(transform(item(name) | {"again": CASES[name].value})["pred"]), torch.as_tensor(result["pred"]))


@pytest.mark.parametrize("name", [name for name in FORMS if issubclass(DICTIONARIES[name], InvertibleTransform)])
def test_inverse_restores_the_shape_and_the_values_that_were_kept(name: str, tmp_path: Path) -> None:
    for form in ("dictionary", "array"):
        if form == "dictionary":
            transform = dictionary_form(name, tmp_path)
            there = transform(item(name))
            back = transform.inverse(there)["pred"]
        else:
            alone = array_form(name, tmp_path)
            back = alone.inverse(alone(CASES[name].value, *CASES[name].others.values()))
        value = CASES[name].value
        if isinstance(value, str):
            assert back == value
            continue
        assert back.shape == value.shape
        kept = torch.as_tensor(back).as_subclass(torch.Tensor)
        if CASES[name].exact:
            inside = kept != 0  # a crop's inverse pads with 0
            assert inside.any() and torch.equal(kept[inside], value[inside])
        else:
            error = float((kept - value).abs().mean())
            assert 0 < error < CASES[name].lossy


def test_what_can_be_inverted_says_so_in_both_forms() -> None:
    for name in set(FORMS) - MAKE_KEYS:
        assert issubclass(DICTIONARIES[name], InvertibleTransform) == issubclass(ARRAYS[name[:-1]], InvertibleTransform), name


@pytest.mark.parametrize("name", ["AntialiasedResized", "CropWindowd", "InverseScanConvertd", "PadToSquared", "RandStructureWindowd"])
def test_a_lazy_chain_gives_what_an_eager_one_gives(name: str, tmp_path: Path) -> None:
    """Also behind a lazy transform of MONAI's that waits, and in the array form."""
    given = item(name) | {"pred": MetaTensor(CASES[name].value)}
    label = ["label"] if "label" in given else []
    results = [
        Compose([Flipd(["pred", *label], spatial_axis=0), dictionary_form(name, tmp_path)], lazy=lazy).set_random_state(3)(dict(given))[
            "pred"
        ]
        for lazy in (False, True)
    ]
    assert_same(*results)
    if not CASES[name].others:
        results = [Compose([Flip(spatial_axis=0), array_form(name, tmp_path)], lazy=lazy)(given["pred"]) for lazy in (False, True)]
        assert_same(*results)


def test_the_croppers_are_lazy_as_monais_are() -> None:
    for name in ("CropWindow", "CropWindowd", "RandStructureWindow", "RandStructureWindowd"):
        assert issubclass(PUBLIC[name], LazyTrait), name
    waiting = PUBLIC["CropWindowd"]("image", lazy=True)({"image": MetaTensor(picture()), "window": WINDOW})["image"]
    assert waiting.shape == (1, 80, 60) and waiting.peek_pending_shape() == (40, 30)
