"""The conformance statement, as vendors publish it, from the tables by which the objects are made."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.uid import UID

from usseg_monai.dicom.node.contexts import DECODED, IMAGES, WITH_CODECS
from usseg_monai.dicom.tables import CORRECTED, EXPECTED_DICE, KINDS, STATUS, STATUSES, TRANSFER_SYNTAX
from usseg_monai.tasks import TASKS, Task, load
from usseg_monai.tasks.codes import Code, TaskCodes, unit_of

__all__ = ["conformance"]


def conformance() -> str:
    """The statement, in Markdown.

    >>> "Comprehensive SR Storage" in conformance()
    True
    """
    return "\n".join(
        [
            "# DICOM conformance statement",
            "",
            "Made from the tables by which `usseg dicom` makes its objects. What they are for, and what is never changed, says",
            "[Results as DICOM objects](../dicom_objects.md).",
            *_objects(),
            *_codes(),
            *_own_codes(),
            *_network(),
        ]
    )


def _objects() -> Iterator[str]:
    yield from ("", "## SOP classes", "")
    yield from ("| `--make` | Object | SOP class | UID | SeriesNumber | How many |", "|---|---|---|---|---|---|")
    for name, kind in KINDS.items():
        for uid, title in kind.classes.items():
            yield f"| `{name}` | {kind.title} | {title} | {uid} | {kind.series_number} | {kind.made} |"
    uid, name = TRANSFER_SYNTAX
    yield from ("", f"All objects are written in {name} ({uid}). Pixels are not compressed.")


def _codes() -> Iterator[str]:
    yield from ("", "## Codes of the tasks", "", "Columns are those of the tables of results. Lengths in pixels are never sent.")
    for task in TASKS.values():
        if task.codes:
            yield from _codes_of(task, load(task.codes))


def _codes_of(task: Task, codes: TaskCodes) -> Iterator[str]:
    yield from ("", f"### {task.name}", "", "| What | Code | Unit (UCUM) | Method |", "|---|---|---|---|")
    yield f"| category of the segment, finding category | {_shown(codes.category)} | | |"
    yield f"| type of the segment, finding | {_shown(codes.structure)} | | |"
    if codes.region is not None:
        yield f"| anatomic region, finding site | {_shown(codes.region)} | | |"
    if codes.fetus:
        yield f"| subject of the report | {_shown(Code('121026', 'DCM', 'Fetus'))} | | |"
    for name, coded in codes.columns.items():
        method = _shown(coded.method) if coded.method else ""
        yield f"| `{name}` | {_shown(coded.concept)} | {unit_of(name).value} | {method} |"
    yield from ("", f"Not sent: {', '.join(f'`{name}`' for name in codes.uncoded)}.")


def _own_codes() -> Iterator[str]:
    yield from ("", f"## Codes of this package ({STATUS.scheme})", "", "| Code | Meaning | Used as |", "|---|---|---|")
    yield f"| {STATUS.value} | {STATUS.meaning} | name of a qualitative evaluation; its values are the next |"
    for status, code in STATUSES.items():
        yield f"| {code.value} | {code.meaning} | status `{status.value}` |"
    yield f"| {EXPECTED_DICE.value} | {EXPECTED_DICE.meaning} | name of a measurement without unit, 0 to 1 |"
    yield f"| {CORRECTED.value} | {CORRECTED.meaning} | name of a qualitative evaluation with the value (373066001, SCT, Yes) |"
    methods = {
        coded.method: task.name
        for task in TASKS.values()
        if task.codes
        for coded in load(task.codes).columns.values()
        if coded.method is not None and coded.method.scheme == STATUS.scheme
    }
    for method, name in methods.items():
        yield f"| {method.value} | {method.meaning} | measurement method, `{name}` |"


def _network() -> Iterator[str]:
    yield from ("", "## Network", "", "| Service | Role | Command |", "|---|---|---|")
    yield from (
        "| Verification (C-ECHO) | SCP | `usseg dicom node` |",
        "| Storage (C-STORE) of the images below | SCP | `usseg dicom node` |",
        "| Storage (C-STORE) of the objects above | SCU | `usseg dicom --send`, `usseg dicom node --forward AET@HOST:PORT` |",
        "| STOW-RS of the objects above | user agent | `usseg dicom --stow`, `usseg dicom node --forward URL` |",
        "| QIDO-RS, WADO-RS of series | user agent | `usseg dicom pull` |",
    )
    yield from ("", "Storage commitment, TLS of DIMSE and worklists are not there. The node accepts:", "")
    yield from ("| SOP class | UID |", "|---|---|")
    for uid in IMAGES:
        yield f"| {UID(uid).name} | {uid} |"
    yield from ("", "in these transfer syntaxes:", "")
    yield from ("| Transfer syntax | UID | Decoded by |", "|---|---|---|")
    for syntax in DECODED:
        yield f"| {syntax.name} | {syntax} | this package |"
    for syntax in WITH_CODECS:
        yield f"| {syntax.name} | {syntax} | Pillow, or a library of the extra `codecs` where it is installed |"


def _shown(code: Code) -> str:
    return f"({code.value}, {code.scheme}, {code.meaning})"
