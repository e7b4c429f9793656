"""The files of a run's pictures: their kinds, folders and names."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.tasks.record import CLIP_FOLDER

__all__ = ["FOLDERS", "REPORT", "SHOWN", "check_save", "clip_file", "no_inputs", "output_files", "track_file", "volume_file"]

FOLDERS = {
    "mask": "masks",
    "overlay": "overlays",
    "probability": "probabilities",
    "nifti": "nifti",
    "labelstudio": "labelstudio",
    "clip": CLIP_FOLDER,
}
"""What can be saved, and the folder of each: one PNG per frame; NIfTI files of masks (`usseg_monai.runs.mask_volumes`); one task of
Label Studio per frame, as JSON beside the PNG that it shows (`usseg_monai.annotation.labelstudio`); and one annotated video per clip
(`usseg_monai.runs.clip_video`)."""

REPORT = "report.html"
"""Name of the page in the output folder (`usseg_monai.runs.report`)."""

SHOWN = "shown"
"""Name of that PNG in `output_files`."""


def check_save(save: Collection[str]) -> None:
    """Raise `UsageError` for an unknown kind of output.

    >>> check_save(["mask", "contour"])
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: cannot save 'contour': what can be saved is mask, overlay, probability, nifti, labelstudio, clip
    """
    for kind in save:
        if kind not in FOLDERS:
            raise UsageError(f"cannot save {kind!r}: what can be saved is {', '.join(FOLDERS)}{did_you_mean(kind, FOLDERS)}")


def no_inputs(folder: Path) -> list[Path]:
    """Output folder of a run and its results folders: their files are never inputs, whatever the user names.

    >>> [path.as_posix() for path in no_inputs(Path("out"))]
    ['out', 'out/masks', 'out/overlays', 'out/probabilities', 'out/nifti', 'out/labelstudio', 'out/clips']
    """
    return [folder, *(folder / name for name in FOLDERS.values())]


def output_files(folder: Path, output: str, save: Collection[str]) -> dict[str, Path]:
    """Output files of one frame, by kind.

    >>> output_files(Path("out"), "a/1", ["mask"])["mask"].as_posix()
    'out/masks/a/1.png'
    """
    files = {kind: folder / FOLDERS[kind] / f"{output}.png" for kind in ("mask", "overlay", "probability") if kind in save}
    if "labelstudio" in save:
        task = folder / FOLDERS["labelstudio"] / f"{output}.json"
        files |= {SHOWN: task.with_name(f"{task.name.removesuffix('.json')}.png"), "labelstudio": task}
    return files


def volume_file(folder: Path, output: str) -> Path:
    """NIfTI file with the masks of a file or a stack.

    >>> volume_file(Path("out"), "a/cine").as_posix()
    'out/nifti/a/cine.nii.gz'
    """
    return folder / FOLDERS["nifti"] / f"{output}.nii.gz"


def clip_file(folder: Path, output: str) -> Path:
    """Annotated clip.

    >>> clip_file(Path("out"), "a/sweep").as_posix()
    'out/clips/a/sweep.mp4'
    """
    return folder / CLIP_FOLDER / f"{output}.mp4"


def track_file(folder: Path, output: str) -> Path:
    """Table of the frames of a clip.

    >>> track_file(Path("out"), "a/sweep").as_posix()
    'out/clips/a/sweep_frames.csv'
    """
    return folder / CLIP_FOLDER / f"{output}_frames.csv"
