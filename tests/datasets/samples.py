"""Tiny data sets in the layouts that users bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

PIXEL_SIZE_MM = 2.0
RADIUS = 12.0
"""Pixels; the head circumference in the tables is 2 pi RADIUS PIXEL_SIZE_MM, 150.80 mm."""


def disc(rows: int = 40, cols: int = 60, center: tuple[float, float] = (20, 30), radius: float = 12) -> npt.NDArray[np.uint8]:
    """A filled disc, 0 and 1."""
    row, col = np.ogrid[:rows, :cols]
    inside = (row - center[0]) ** 2 + (col - center[1]) ** 2 <= radius**2
    return inside.astype(np.uint8)


def drawn_disc(radius: float = RADIUS) -> npt.NDArray[np.uint8]:
    """A disc as HC18's annotators drew heads: filled after a pen of 2 x 2 pixels, which adds a pixel up, down, left and right."""
    mask = disc(radius=radius)
    around = np.pad(mask, 1)
    shifted = [around[row : row + mask.shape[0], col : col + mask.shape[1]] for row in range(3) for col in range(3)]
    result: npt.NDArray[np.uint8] = np.max(shifted, axis=0).astype(np.uint8)
    return result


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
    """HC18's official layout with one drawn disc in every picture."""
    mask = drawn_disc()
    circumference = 2 * np.pi * RADIUS * PIXEL_SIZE_MM
    lines = ["filename,pixel size(mm),head circumference (mm)"]
    for name in names:
        write_png(root / "training_set" / f"{name}.png", mask * 100 + 20)
        write_png(root / "training_set" / f"{name}_Annotation.png", outline_of(mask) * 255)
        lines.append(f"{name}.png,{PIXEL_SIZE_MM},{circumference:.2f}")
    (root / "training_set_pixel_size_and_HC.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    write_png(root / "test_set" / "000_HC.png", mask * 100)
    (root / "test_set_pixel_size.csv").write_bytes(b"filename,pixel size(mm)\r\n000_HC.png,0.2\r\n")
    return root


NERVE_FRAMES = {(1, 1): True, (1, 2): False, (2, 1): True, (5, 1): True, (9, 1): False}
"""Frames of a tiny nerve set: subject and number -> whether there is a nerve. Subjects 1 and 2 train, 9 validates, 5 tests."""


def make_kaggle_nerve(root: Path, frames: Mapping[tuple[int, int], bool] = NERVE_FRAMES) -> Path:
    """The official layout of Kaggle's nerve set, with a disc of grey in every frame that has a nerve."""
    lines = ["subject,img,pixels"]
    for (subject, number), present in frames.items():
        mask = disc() * np.uint8(present)
        write_png(root / "train" / f"{subject}_{number}.tif", mask * 100 + 20)
        write_png(root / "train" / f"{subject}_{number}_mask.tif", mask * 255)
        lines.append(f"{subject},{number},{'801 5' if present else ''}")
    (root / "train_masks.csv").write_text("\n".join([*lines, ""]))
    write_png(root / "test" / "1.tif", disc() * 100)
    return root


def texture(seed: int, rows: int = 92, cols: int = 128) -> npt.NDArray[np.uint8]:
    """Blocks of grey; those of two seeds resemble each other no more than two patients do."""
    coarse = np.random.default_rng(seed).integers(40, 200, (rows // 4 + 1, cols // 4 + 1), dtype=np.uint8)
    return np.kron(coarse, np.ones((4, 4), np.uint8))[:rows, :cols]


BUSI_MASKS = {
    "benign (2)": ("_mask",),
    "benign (10)": ("_mask", "_mask_1"),
    "malignant (1)": ("_mask",),
    "malignant (2)": ("_mask",),
    "normal (1)": ("_mask",),
    "normal (2)": (),
}
"""Images of a tiny BUSI, each with its masks: two lesions in one image, and none in two."""


def make_busi(root: Path, masks: Mapping[str, Sequence[str]] = BUSI_MASKS, table: str = "") -> Path:
    """BUSI's official layout, an own texture in every image; with rows ``filename,group,objection,annotation`` the reviewers' table too."""
    for seed, (name, endings) in enumerate(masks.items()):
        folder = root / "Dataset_BUSI_with_GT" / name.partition(" ")[0]
        write_png(folder / f"{name}.png", texture(seed))
        for number, ending in enumerate(endings):
            lesion = disc(92, 128, (30, 40 + 40 * number), 15) * np.uint8(folder.name != "normal")
            write_png(folder / f"{name}{ending}.png", lesion * 255)
    if table:
        (root / "groups.csv").write_text("filename,group,objection,annotation\n" + table)
    return root


def make_busbra(root: Path, images: Mapping[str, str] | None = None) -> Path:
    """BUS-BRA's official layout: images by name with their pathology, a disc as the lesion of each."""
    lines = ["ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX"]
    for seed, (name, pathology) in enumerate((images or {"0001-l": "malignant", "0001-r": "malignant", "0002-l": "benign"}).items()):
        write_png(root / "Images" / f"bus_{name}.png", texture(100 + seed))
        write_png(root / "Masks" / f"mask_{name}.png", disc(92, 128, (40, 60), 20) * 255)
        lines.append(f'bus_{name},{int(name[:4])},fibroadenoma,{pathology},3,scanner,128,92,left,"[40,20,41,41]"')
    (root / "bus_data.csv").write_text("\n".join([*lines, ""]))
    return root


BREAST_LESIONS_USG = {"case001": ("benign", 2), "case002": ("malignant", 1), "case003": ("normal", 0)}
"""Images of a tiny BrEaST-Lesions-USG, each with its class and number of lesions."""


def make_breast_lesions_usg(root: Path, images: Mapping[str, tuple[str, int]] = BREAST_LESIONS_USG) -> Path:
    """The official layout of BrEaST-Lesions-USG: an own texture and another suspicious area in every image, pixels of 0.1 mm."""
    lines = ["Image_filename,Pixel_size,Classification"]
    for seed, (name, (category, lesions)) in enumerate(images.items()):
        write_png(root / f"{name}.png", texture(200 + seed))
        for number in range(lesions):
            ending = f"_{number}" if number else ""
            write_png(root / f"{name}_tumor{ending}.png", disc(92, 128, (30, 40 + 40 * number), 15) * 255)
        write_png(root / f"{name}_other1.png", disc(92, 128, (70, 100), 9) * 255)
        lines.append(f"{name}.png,0.1,{category}")
    (root / "clinical.csv").write_text("\n".join([*lines, ""]))
    return root
