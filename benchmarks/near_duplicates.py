"""Accuracy of the search for near-duplicates: pairs in BUSI against its reviewers' groups, and false pairs in BUS-BRA.

Prints a Markdown table and writes ``benchmarks/results/near_duplicates.json``:

    python -m benchmarks.near_duplicates [--data DIR] [--update-docs]

Pairs are those that a search by `usseg_monai.datasets.near_duplicates` puts into one group, directly or through others, without the
reviewers' table.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from usseg_monai.datasets.busbra import read_busbra
from usseg_monai.datasets.busi import FOLDER, TABLE, read_reviewers_groups
from usseg_monai.datasets.near_duplicates import find_near_duplicates, unite_groups
from usseg_monai.datasets.splits import split_of
from usseg_monai.imaging import read_image

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "data.md"


def measure_busi(root: Path) -> dict[str, Any]:
    """Recall and precision of pairs against the reviewers' groups; every pair in which the two differ, by name."""
    reviewers = {name: group for name, group in read_reviewers_groups(root).items() if _busi_image(root, name).is_file()}
    if not reviewers:
        raise SystemExit(f"near_duplicates: {root} needs {TABLE} and the images that it names (docs/data.md)")
    names = list(reviewers)
    pairs, seconds = find_pairs([_busi_image(root, name) for name in names])
    alone = unite_groups([name.removesuffix(".png") for name in names], pairs)
    together = unite_groups(list(reviewers.values()), pairs)
    told, found = same_group(list(reviewers.values())), same_group(alone)
    both = int((told & found).sum())
    return {
        "images": len(names),
        "seconds": round(seconds, 2),
        "pairs_of_the_reviewers": int(told.sum()),
        "pairs_found": int(found.sum()),
        "pairs_of_both": both,
        "recall": both / max(int(told.sum()), 1),
        "precision": both / max(int(found.sum()), 1),
        "in_another_part_without_the_table": [
            name
            for name, group, united in zip(names, alone, together, strict=True)
            if split_of("breast", group) != split_of("breast", united)
        ],
        "found_alone": _pair_names(found & ~told, names),
        "missed": _pair_names(told & ~found, names),
    }


def measure_busbra(root: Path) -> dict[str, Any]:
    """Number of pairs of two patients that are taken for one lesion."""
    cases = read_busbra(root).cases
    names = [case.image.name for case in cases]
    pairs, seconds = find_pairs([case.image for case in cases])
    patient, found = same_group([case.group for case in cases]), same_group(unite_groups(names, pairs))
    return {
        "images": len(cases),
        "seconds": round(seconds, 2),
        "pairs_of_two_patients": len(cases) * (len(cases) - 1) // 2 - int(patient.sum()),
        "found_of_two_patients": int((found & ~patient).sum()),
        "found_of_one_patient": int((found & patient).sum()),
        "found_alone": _pair_names(found & ~patient, names),
    }


def find_pairs(images: Sequence[Path]) -> tuple[list[tuple[int, int]], float]:
    """Pairs of near-duplicates, and the CPU seconds of the search, without reading files."""
    pictures = [read_image(path).pixels for path in images]
    start = time.process_time()
    pairs = find_near_duplicates(pictures)
    return pairs, time.process_time() - start


def same_group(groups: Sequence[str]) -> npt.NDArray[np.bool_]:
    """``(N, N)``: whether two members share a group; above the diagonal only, each pair once.

    >>> same_group(["a", "b", "a"]).astype(int).tolist()
    [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    """
    members = np.array(groups)
    return np.triu(members[:, None] == members, 1)


def markdown(report: dict[str, Any]) -> str:
    """The figures as a Markdown table, and the pairs that only one of the two has."""
    busi, busbra = report["BUSI"], report["BUS-BRA"]
    moved = [name.removesuffix(".png") for name in busi["in_another_part_without_the_table"]]
    lines = [
        "| | images | pairs found | of them right | recall | precision | seconds |",
        "|---|---|---|---|---|---|---|",
        f"| BUSI, against `{TABLE}` ({busi['pairs_of_the_reviewers']} pairs) | {busi['images']} | {busi['pairs_found']} "
        f"| {busi['pairs_of_both']} | {100 * busi['recall']:.1f} % | {100 * busi['precision']:.1f} % | {busi['seconds']:.1f} |",
        f"| BUS-BRA, patients known | {busbra['images']} | {busbra['found_of_one_patient'] + busbra['found_of_two_patients']} "
        f"| {busbra['found_of_one_patient']} | | | {busbra['seconds']:.1f} |",
        "",
        f"Without `{TABLE}`, {len(moved)} images of BUSI would be in another part of the split than with it: {', '.join(moved) or 'none'}.",
        "",
        f"In BUS-BRA, {busbra['found_of_two_patients']} of {busbra['pairs_of_two_patients']} pairs of two patients are taken for one "
        "lesion.",
        "",
        f"Found in BUSI beyond the reviewers' groups: {_listed(busi['found_alone'])}. Missed: {_listed(busi['missed'])}.",
    ]
    return "\n".join(lines)


def _busi_image(root: Path, name: str) -> Path:
    return root / FOLDER / name.partition(" ")[0] / name


def _pair_names(pairs: npt.NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
    return [[names[first], names[second]] for first, second in np.argwhere(pairs)]


def _listed(pairs: Sequence[Sequence[str]]) -> str:
    return ", ".join(" = ".join(name.removesuffix(".png") for name in pair) for pair in pairs) or "none"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description="How well images of one breast lesion are found.")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of busi/ and busbra/ (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "near_duplicates.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/data.md")
    args = parser.parse_args(argv)
    report = {"BUSI": measure_busi(args.data / "busi"), "BUS-BRA": measure_busbra(args.data / "busbra")}
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    table = markdown(report)
    print(table)
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "near_duplicates", table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
