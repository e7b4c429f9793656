"""The conformance statement says what is made, and names every column once."""

from __future__ import annotations

import re

import pytest

from usseg_monai.dicom.conformance import conformance
from usseg_monai.dicom.node.contexts import IMAGES, syntaxes
from usseg_monai.dicom.tables import KINDS, STATUSES
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import TASKS, load

TEXT = conformance()


def test_all_classes_are_there_and_are_those_of_the_standard() -> None:
    from pydicom.uid import UID

    for kind in KINDS.values():
        for uid, name in kind.classes.items():
            known = UID(uid).name  # the identifier itself where pydicom's tables are older than the class
            assert uid in TEXT and known in (name.partition(" (")[0], uid)


def test_tables_have_as_many_cells_as_columns() -> None:
    for table in re.findall(r"(?:^\|.*\|$\n?)+", TEXT, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize("task", TASKS)
def test_every_column_is_sent_or_said_to_be_not(task: str) -> None:
    codes = load(TASKS[task].codes)
    section = TEXT.partition(f"### {task}\n")[2].partition("\n#")[0]
    for name in (*codes.columns, *codes.uncoded):
        assert section.count(f"`{name}`") == 1
    for coded in codes.columns.values():
        assert f"({coded.concept.value}, {coded.concept.scheme}, {coded.concept.meaning})" in section


def test_every_status_but_failed_has_a_code_that_fits_its_element() -> None:
    assert set(STATUSES) == set(Status) - {Status.FAILED}
    assert all(len(code.value) <= 16 and len(code.meaning) <= 64 and code.value in TEXT for code in STATUSES.values())


def test_what_a_node_accepts_is_stated() -> None:
    section = TEXT.partition("## Network")[2]
    for uid in (*IMAGES, *syntaxes()):
        assert f"| {uid} |" in section
