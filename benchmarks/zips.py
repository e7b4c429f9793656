"""Pack every bundle as a zip that can be hosted, downloaded with ``monai.bundle download``, or submitted to MONAI's Model Zoo.

    python -m benchmarks.zips [-o dist/bundles]

A zip is named like the folder in it, by structure, modality and task. In it ``bundle_root`` is ``.``, as in the Model Zoo: the bundle is
run in its own folder, or with ``--bundle_root``, and uses the weights that lie there. ``sample/`` has an image and the mask that the
released weights give for it; ``SHA256SUMS`` has the checksums of all files, one beside the zips those of the zips.

Exits with 1 if a bundle breaks a rule of the Model Zoo (`benchmarks.zoo_rules`).
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.zoo_rules import violations
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS, bundle_path, get_task
from usseg_monai.tasks.record import load
from usseg_monai.tasks.showcase import Sample, Showcase

__all__ = ["main", "pack", "zoo_name"]

REPOSITORY = Path(__file__).resolve().parents[1]
MODALITIES = {"US": "ultrasound", "MR": "mri"}
"""Words of the Model Zoo's names, by DICOM modality."""

PHANTOM = "A synthetic image: the data sets of this task do not let everybody pass on theirs, or none of theirs is at hand.\n"
COMMANDS = """\
The bundle names classes of the package `usseg-monai`, which has to be installed. Run the commands in this folder (the one that holds
`configs/`), or elsewhere with `--bundle_root FOLDER`: the bundle uses the weights of the folder that it is run in. A line of its log says
if they are not the released ones; `--own_weights False` refuses such. `--output_dir` is `eval` and `--ckpt_dir` is `models` by default, so
that a training replaces `models/model.pt`. Who changes the weights by other means removes `models/model.trust`, which belongs to them.
`sample/images` holds an image, `sample/masks` its mask by the released weights, and `sha256sum -c SHA256SUMS` checks the files.
"""

_OWN_ROOT = re.compile(r'"bundle_root": "\$usseg_places\.bundle_root\(\'\w+\'\)"')
_OUTSIDE_LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./){3}([^)#]+)(?:#[^)]*)?\)")
_INTRODUCTION = re.compile(r"^The bundle names classes of the package.*?\n(?=\n)", re.DOTALL | re.MULTILINE)
_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every entry: equal bundles give equal zips."""
_SUMS = "SHA256SUMS"


def zoo_name(task: str) -> str:
    """Name of a task's zip and of the folder in it.

    >>> zoo_name("left_ventricle")
    'left_ventricle_mri_segmentation'
    """
    return f"{task}_{MODALITIES[get_task(task).modality]}_segmentation"


def pack(task: str, folder: Path) -> Path:
    """Write the zip of a task's bundle into a folder and return its path.

    Raises:
        WeightsError: the released weights are missing or not the released ones.
        ValueError: the bundle breaks rules of the Model Zoo.
    """
    with tempfile.TemporaryDirectory() as temporary:
        bundle = prepare(task, Path(temporary))
        if broken := violations(bundle):
            raise ValueError(f"{bundle.name} breaks rules of the Model Zoo: {'; '.join(broken)}")
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{bundle.name}.zip"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(path.relative_to(bundle.parent).as_posix(), _TIME)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return file


def prepare(task: str, folder: Path) -> Path:
    """Lay out the bundle as it goes into the zip, and return its folder."""
    bundle = Path(shutil.copytree(bundle_path(task), folder / zoo_name(task), ignore=shutil.ignore_patterns("__pycache__", "eval", ".*")))
    for config in (bundle / "configs").glob("*.json"):
        config.write_text(_OWN_ROOT.sub('"bundle_root": "."', config.read_text(encoding="utf-8")), encoding="utf-8")
    readme = bundle / "docs" / "README.md"
    readme.write_text(standalone(readme.read_text(encoding="utf-8")), encoding="utf-8")
    add_sample(task, bundle / "sample")
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    (bundle / _SUMS).write_text(checksums(files, bundle), encoding="utf-8")
    return bundle


def standalone(readme: str) -> str:
    """A bundle's page for a reader who has only the bundle: no links out of it, and commands that are run in its folder.

    >>> standalone("See [data](../../../docs/data.md#splits).\\n\\n    run BUNDLE/configs/train.json\\n")
    'See data (`docs/data.md` of the project).\\n\\n    run configs/train.json\\n'
    """
    readme = _INTRODUCTION.sub(COMMANDS, readme)
    return _OUTSIDE_LINK.sub(r"\1 (`\2` of the project)", readme).replace("BUNDLE/", "")


def add_sample(task: str, folder: Path) -> None:
    """Write an image of the demo's, the mask that the bundle gives for it, and where it comes from."""
    sample = sample_of(task)
    image, mask = folder / "images" / sample.name, folder / "masks" / Path(sample.name).with_suffix(".png")
    for file in (image, mask):
        file.parent.mkdir(parents=True)
    image.write_bytes(sample.content)
    Predictor(task, engine="torch", device="cpu").predict(image).save(mask, picture="mask")
    samples = REPOSITORY / "usseg_monai" / "tasks" / task / "samples"
    source = samples / "ATTRIBUTION.txt"
    real = (samples / sample.name).is_file()
    (folder / "ATTRIBUTION.txt").write_text(source.read_text(encoding="utf-8") if real else PHANTOM, encoding="utf-8")


def sample_of(task: str) -> Sample:
    """The first picture that the demo shows of a task: a real one where a licence allows it."""
    showcase: Showcase = load(get_task(task).showcase)
    return next(iter(showcase.groups[0].samples()))


def checksums(files: Sequence[Path], folder: Path) -> str:
    """Lines that ``sha256sum -c`` takes, with paths relative to a folder."""
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n" for file in files)


def main(words: Sequence[str] | None = None) -> int:
    """Pack all bundles; print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "-o", "--output", type=Path, default=REPOSITORY / "dist" / "bundles", help="folder of the zips (default: %(default)s)"
    )
    folder = parser.parse_args(words).output
    packed = []
    for task, record in TASKS.items():
        try:
            file = pack(task, folder)
        except ValueError as error:
            print(error)
            return 1
        packed.append(file)
        print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB; weights: {record.weights_license}", flush=True)
    (folder / _SUMS).write_text(checksums(packed, folder), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
