"""Tiny data sets in the layouts that users bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

PIXEL_SIZE_MM = 0.5


def disc(rows: int = 40, cols: int = 60, center: tuple[float, float] = (20, 30), radius: float = 12) -> npt.NDArray[np.uint8]:
    """A filled disc, 0 and 1."""
    row, col = np.ogrid[:rows, :cols]
    inside = (row - center[0]) ** 2 + (col - center[1]) ** 2 <= radius**2
    return inside.astype(np.uint8)


def outline_of(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The mask's pixels that have a neighbour outside the mask; the border of the picture draws no line."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return (mask & ~inner & 1).astype(np.uint8)


def write_png(path: Path, pixels: npt.NDArray[np.uint8]) -> Path:
    """Write grey values, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def make_hc18(root: Path, names: Sequence[str] = ("000_HC", "000_2HC", "001_HC", "005_HC", "015_HC")) -> Path:
    """HC18's official layout with discs of radius 12 pixels (HC 2 pi 12 pixels) on dark ground."""
    mask = disc()
    circumference = 2 * np.pi * 12 * PIXEL_SIZE_MM
    lines = ["filename,pixel size(mm),head circumference (mm)"]
    for name in names:
        write_png(root / "training_set" / f"{name}.png", mask * 100 + 20)
        write_png(root / "training_set" / f"{name}_Annotation.png", outline_of(mask) * 255)
        lines.append(f"{name}.png,{PIXEL_SIZE_MM},{circumference:.2f}")
    (root / "training_set_pixel_size_and_HC.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    write_png(root / "test_set" / "000_HC.png", mask * 100)
    (root / "test_set_pixel_size.csv").write_bytes(b"filename,pixel size(mm)\r\n000_HC.png,0.2\r\n")
    return root
