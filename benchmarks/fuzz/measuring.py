"""Targets that measure masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.fuzz.target import Make, Target
from benchmarks.tasks import BENCHMARKED
from usseg_monai.tasks import TASKS

__all__ = ["TARGETS"]

_STEPS: tuple[Any, ...] = (0.2, 0.2, 0.07, 1.0, 1, 3.5, 1e-3, 1e-5, 1e3, np.float32(0.3))
_ODD_STEPS: tuple[Any, ...] = (1e-6, 1e-200, 5e-324, 1e4, 1e200, 1e308, 0, -1, math.nan, math.inf, True, "0.2", None)
_PROBABILITIES: tuple[Any, ...] = (0, 1, 0.5, 0.999, 1e-320, -0.0, 1 + 1e-16, True, np.float32(0.25), None)
_ODD_PROBABILITIES: tuple[Any, ...] = (1.0000001, -1e-9, 2, math.nan, math.inf)
_ODD_SPACINGS: tuple[Any, ...] = ((), (0.2,), (0.2, 0.2, 0.2), [0.2, 0.2], "ab", 0.2, {}, np.array([0.2, 0.2]))
_DTYPES = ("u1", "u1", "u1", "?", "i8", "f4", "f8", "u2", "c16", "O", "U1")


def _any_mask(rng: Random) -> npt.NDArray[Any]:
    """A mask of any kind: structures, noise, lines, patterns; sometimes not a mask at all."""
    random = np.random.default_rng(rng.getrandbits(32))
    rows, cols = (rng.choice((1, 2, 7, 8, 20, 33, 64, 64, 90, 130)) for _ in range(2))
    if rng.random() < 0.003:
        rows, cols = rng.choice(((400, 600), (700, 700), (1, 200_000)))
    mask = np.zeros((rows, cols), np.uint8)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _DRAWINGS[rng.randrange(len(_DRAWINGS))](rng, random, mask)
    if rng.random() < 0.9:
        return mask
    kind = rng.choice(_DTYPES)
    odd: npt.NDArray[Any] = mask.astype(kind)
    if odd.dtype.kind == "f" and rng.random() < 0.5:
        odd.flat[rng.randrange(odd.size)] = rng.choice((math.nan, math.inf, -1, 1e-40))
    shapes = (odd, odd[None], odd[:, :0], odd[0], odd[::-1, ::2], odd.T, odd[0, 0])
    return np.asarray(rng.choice(shapes))


def _ellipse(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    rows, cols = mask.shape
    row, col = np.ogrid[:rows, :cols]
    down, right = row - rng.uniform(-0.2, 1.2) * rows, col - rng.uniform(-0.2, 1.2) * cols
    turn = rng.uniform(0, math.pi)
    along, across = down * math.cos(turn) + right * math.sin(turn), right * math.cos(turn) - down * math.sin(turn)
    mask[np.hypot(along / (rng.uniform(0.01, 0.6) * rows + 0.3), across / (rng.uniform(0.01, 0.6) * cols + 0.3)) <= 1] = 1


def _box(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    (top, bottom), (left, right) = (sorted((rng.randrange(side + 1), rng.randrange(side + 1))) for side in mask.shape)
    mask[top:bottom, left:right] = rng.choice((0, 1, 1))


def _scatter(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    mask[random.random(mask.shape) < rng.choice((0.001, 0.05, 0.3, 0.5, 0.95))] = 1


def _grid(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    mask[:: rng.randrange(1, 5), :: rng.randrange(1, 5)] = 1


def _comb(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    """A meander: one thin piece of maximum length."""
    mask[::2] = 1
    mask[1::4, -1:] = 1
    mask[3::4, :1] = 1


def _spiral(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    turn = np.linspace(0, 2 * math.pi * rng.choice((1, 3, 12)), 3000)
    radius = turn * min(mask.shape) / (2.2 * turn[-1])
    row, col = mask.shape[0] / 2 + radius * np.sin(turn), mask.shape[1] / 2 + radius * np.cos(turn)
    mask[row.astype(int).clip(0, mask.shape[0] - 1), col.astype(int).clip(0, mask.shape[1] - 1)] = 1


def _invert(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    mask ^= 1


def _nothing(rng: Random, random: np.random.Generator, mask: npt.NDArray[np.uint8]) -> None:
    pass


_DRAWINGS = (_ellipse, _ellipse, _ellipse, _box, _scatter, _grid, _comb, _spiral, _invert, _nothing)


def _any_spacing(rng: Random) -> Any:
    kind = rng.random()
    if kind < 0.3:
        return None
    if kind < 0.6:
        step = rng.choice(_STEPS)
        return step, step
    if kind < 0.9:
        return rng.choice(_STEPS), rng.choice(_STEPS)
    return (rng.choice(_STEPS), rng.choice(_ODD_STEPS)) if kind < 0.97 else rng.choice(_ODD_SPACINGS)


def _any_probability(rng: Random) -> Any:
    kind = rng.random()
    return rng.choice(_ODD_PROBABILITIES) if kind < 0.03 else rng.choice(_PROBABILITIES) if kind < 0.3 else rng.random()


def _cases(outputs: tuple[str, ...]) -> Callable[[], Make]:
    def make(rng: Random) -> tuple[Any, Any, dict[str, Any]]:
        said = {name: _any_probability(rng) for name in outputs if rng.random() < 0.8}
        return _any_mask(rng), _any_spacing(rng), said

    return lambda: make


def _measure(name: str, case: tuple[Any, Any, Mapping[str, Any]], path: Path) -> None:
    """The contract of a measurement: all columns, every number finite, a message of one line."""
    mask, spacing, said = case
    task = TASKS[name]
    result = task.measure(mask, spacing, **said)
    assert set(result.values) == {column.name for column in task.columns}, "odd columns"
    for values in (result.values, *result.parts):
        for column, value in values.items():
            assert value is None or isinstance(value, (int, str)) or math.isfinite(value), f"{column} is {value}"
    assert "\n" not in result.message and len(result.message) < 1000, "a long message"
    assert all(np.isfinite(outline).all() for outline in result.outlines), "an odd outline"


def _volumes(rng: Random) -> tuple[Any, ...]:
    shape = rng.choice(((1, 2), (3, 4), (9, 20), (20, 2), (5, 30)))
    areas = np.array([rng.uniform(0, 2000) * rng.choice((0, 1, 1)) for _ in range(math.prod(shape))])
    for _ in range(rng.choice((0, 0, 1, 4))):
        areas[rng.randrange(areas.size)] = rng.choice((0, 1, 1e5, 1e-300, 1e300, 1e308, -1, math.nan, math.inf))
    if rng.random() < 0.05:
        return areas[: rng.choice((0, 1, 5))].reshape(rng.choice(((-1,), (-1, 1), (1, -1, 1)))), 8.0
    return areas.reshape(shape), rng.choice((8, 10.0, 10.0, 10.0, 1e-9, 1e300, 0, -1, math.nan, math.inf))


def _volume(case: tuple[Any, ...], path: Path) -> None:
    """Volumes, function, slices of the atrium and mass: finite numbers in their ranges."""
    from usseg_monai.tasks.left_ventricle.measure import atrial_slices, myocardial_mass_g, ventricular_function, volume_curve

    areas, distance_mm = case
    volumes = volume_curve(areas, distance_mm)
    assert volumes.shape == areas.shape[1:] and np.isfinite(volumes).all(), "odd volumes"
    assert math.isfinite(myocardial_mass_g(areas[:, 0] * 1.5, areas[:, 0], distance_mm)), "odd mass"
    function = ventricular_function(volumes)
    assert 0 <= function.ejection_fraction_percent <= 100, f"ejection fraction {function.ejection_fraction_percent}"
    assert len(atrial_slices(areas)) <= len(areas)


def _slices(rng: Random) -> list[Any]:
    """Measured slices of one or two stacks, with places as in arbitrary headers."""
    from usseg_monai.imaging import Place
    from usseg_monai.tasks.study import StudyFrame

    odd = (None, 0.0, -1.0, 1e-300, 2.0**31, -(2.0**31))  # the readers reject larger numbers
    mess = rng.choice((0.0, 0.0, 0.02, 0.3))

    def perhaps(value: Any, others: tuple[Any, ...]) -> Any:
        return rng.choice(others) if rng.random() < mess else value

    step_mm, slices, phases = rng.choice((8.0, 0.1, 1e-5, 1e3)), rng.randrange(1, 8), rng.randrange(1, 6)
    normal = rng.choice(((0.0, 0.0, 1.0), (0.6, 0.0, 0.8)))
    frames = []
    for number in range(slices):
        for phase in range(phases):
            place = Place(
                modality=perhaps("MR", ("", "US", "\x1b")),
                study=perhaps("a", ("", "b")),
                series=perhaps("s", ("", "t", str(number))),
                position_mm=perhaps((0.0, 0.0, number * step_mm), (None, (0.0, 0.0, rng.choice(odd[1:])), (2.0**31,) * 3)),
                normal=perhaps(normal, (None, (1.0, 0.0, 0.0))),
                time_ms=perhaps(40.0 * phase, odd),
                number=perhaps(phase, (None, -1, 2**40)),
                acquired_s=perhaps(None, (0.0, 1e5)),
                phases=perhaps(None, (0, 3, -1, 10**9)),
                temporal_index=perhaps(None, (1, 0, -1, 2**31)),
                content_s=perhaps(None, (0.0, 86399.0, 40.0 * phase)),
                instance=perhaps(f"{number}.{phase}", ("", "a", str(number))),
                series_number=perhaps(None, (1, -1)),
            )
            area = perhaps(rng.uniform(0, 2000), (0.0, None, 1e13, 1e-9))
            others = ("x.nii", "b/1_ED.nii", "../a.dcm", f"b/{number}_{phase}.dcm", f"a/c/{phase}")
            row: dict[str, Any] = {"file": perhaps(f"a/{number}_{phase}.dcm", others), "frame": phase}
            row |= {
                "status": perhaps("ok", ("empty", "failed")),
                "area_mm2": area,
                "area_px": 100,
                "spacing_mm_row": 1.0,
                "spacing_mm_col": 1.0,
            }
            frames.append(StudyFrame(Path(str(row["file"])), row, place, (64, 64)))
    rng.shuffle(frames)
    return frames


def _study(frames: list[Any], path: Path) -> None:
    """Whatever the headers, every frame is in some stack, and every stack gives a row of finite numbers."""
    from usseg_monai.errors import UssegError
    from usseg_monai.tasks.left_ventricle.stacks import find_stacks
    from usseg_monai.tasks.left_ventricle.study import sum_up

    stacks = find_stacks(frames)
    assert sum(len(stack.unused) + sum(map(len, stack.slices)) for stack in stacks) == len(frames), "a frame was lost"
    try:
        rows = sum_up(TASKS["left_ventricle"], path.parent / "out", frames)
    except UssegError as error:
        raise AssertionError(f"no row but {error}") from error
    for row in rows:
        assert all(value is None or isinstance(value, (int, str)) or math.isfinite(value) for value in row.values()), f"odd row {row}"


def _encode(mask: Any, path: Path) -> None:
    """An accepted mask is recovered from its code."""
    from usseg_monai.geometry.run_length import decode_run_length, encode_run_length

    assert np.array_equal(decode_run_length(encode_run_length(mask), mask.shape), mask != 0), "another mask"


TARGETS = (
    *(
        Target(f"measure_{name}", f"{name}'s measurement of odd masks", record.fuzzed, _cases(TASKS[name].outputs), partial(_measure, name))
        for name, record in BENCHMARKED.items()
    ),
    Target("volumes", "areas of slices to volumes", 12_000, lambda: _volumes, _volume),
    Target("studies", "slices as headers place them, to stacks and their tables", 4_000, lambda: _slices, _study),
    Target("run_length_encode", "masks to run-length codes", 20_000, lambda: _any_mask, _encode),
)
