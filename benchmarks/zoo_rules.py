"""The MONAI Model Zoo's rules for a bundle, in our own words.

The Zoo states them in its CONTRIBUTING.md and docs/readme_template.md, and its CI checks them (ci/verify_bundle.py and what that calls).
Not here are the checks that run the network (`monai.bundle.verify_net_in_out`, `monai.bundle.ckpt_export`) and the schema of the metadata
(`monai.bundle.verify_metadata`): those are MONAI's own, and the tests call them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["violations"]

MOST_BYTES = 25 * 1000**2
"""Of one file; a larger one needs an entry in ``large_files.yml`` and a place elsewhere."""

FILES = ("LICENSE", "configs/metadata.json", "configs/inference.json", "models/model.pt", "docs/README.md", "docs/data_license.txt")

KEYS = {
    "inference.json": ("bundle_root", "device", "network_def", "inferer", "output_dir"),
    "train.json": (
        *("bundle_root", "device", "dataset_dir", "output_dir"),
        *("train#trainer", "train#trainer#max_epochs", "train#dataset", "train#dataset#data", "train#handlers"),
        *("validate#evaluator", "validate#handlers", "validate#dataset", "validate#dataset#data"),
        *(f"{part}#{name}" for part in ("train", "validate") for name in ("preprocessing", "postprocessing", "inferer", "key_metric")),
    ),
}
"""Keys of each config; a nested key is written with ``#``, as in MONAI."""

SECTIONS = ("Authors", "Tags", "Model Description", "Data", "Performance", "System Configuration", "Limitations", "Citation Info")
"""Headings of README.md, compared without case and stars."""

_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*_(ultrasound|mri|ct|xray|endoscopic|pathology)_(segmentation|classification|detection)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VERSION = re.compile(r"[<>=]*\d+(\.\d+)+")


def violations(bundle: Path) -> list[str]:
    """What a bundle's folder breaks; empty for one that may be submitted.

    >>> violations(Path("nowhere"))[0]
    'LICENSE is missing'
    """
    if missing := [f"{name} is missing" for name in FILES if not (bundle / name).is_file()]:
        return missing
    return [*_of_the_files(bundle), *_of_the_metadata(bundle), *_of_the_configs(bundle), *_of_the_readme(bundle)]


def _of_the_files(bundle: Path) -> Iterator[str]:
    if not _NAME.fullmatch(bundle.name):
        yield f"the name {bundle.name} does not say structure, modality and kind of task, as spleen_ct_segmentation does"
    for file in sorted(bundle.rglob("*")):
        if file.is_file() and file.stat().st_size > MOST_BYTES:
            yield f"{file.relative_to(bundle).as_posix()} has {file.stat().st_size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f}"


def _of_the_metadata(bundle: Path) -> Iterator[str]:
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    for name in ("version", "changelog", "monai_version", "pytorch_version", "numpy_version", "required_packages_version"):
        if name not in metadata:
            yield f"metadata.json has no {name}"
    if metadata.get("version") not in metadata.get("changelog", {}):
        yield f"the changelog of metadata.json has no line for version {metadata.get('version')}"
    for name, version in metadata.get("required_packages_version", {}).items():
        if not _VERSION.fullmatch(version):
            yield f"required_packages_version: {name} {version!r} is no version that pip takes"


def _of_the_configs(bundle: Path) -> Iterator[str]:
    for name, keys in KEYS.items():
        file = bundle / "configs" / name
        if not file.is_file():
            continue  # the Zoo demands no training
        config = json.loads(file.read_text(encoding="utf-8"))
        for key in keys:
            if not _has(config, key):
                yield f"{name} has no {key}"
        if config.get("bundle_root") not in (".", "./"):
            yield f"bundle_root of {name} is {config.get('bundle_root')}: a bundle lies where it was unpacked, so it is '.'"
        for handler in config.get("train", {}).get("handlers", ()):
            if handler["_target_"] == "ValidationHandler" and (handler.get("interval") != "@val_interval" or "val_interval" not in config):
                yield f"{name} has a ValidationHandler whose interval is not @val_interval"


def _of_the_readme(bundle: Path) -> Iterator[str]:
    text = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
    headings = {line.strip("#* \n").lower() for line in text.splitlines() if line.startswith("#")}
    for section in SECTIONS:
        if section.lower() not in headings:
            yield f"README.md has no section {section}"
    for target in _LINK.findall(text):
        path = target.partition("#")[0]
        if path and not re.match(r"[a-z]+:", path) and not (bundle / "docs" / path).is_file():
            yield f"README.md links to {target}, which is not in the bundle"


def _has(config: Any, key: str) -> bool:
    for name in key.split("#"):
        if not isinstance(config, dict) or name not in config:
            return False
        config = config[name]
    return True
