"""The glossary explains the words of both professions, each once and in order."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
MEDICAL, TECHNICAL = (re.findall(r"^(\S.*)\n: ", part, re.MULTILINE) for part in TEXT.split("\n## ")[1:])
FOR_ENGINEERS = (
    "BPD",
    "OFD",
    "HC",
    "Cephalic index",
    "Ejection fraction",
    "End diastole",
    "EDV",
    "Brachial plexus",
    "BI-RADS",
    "Endocardium",
)
FOR_CLINICIANS = ("Affine", "AUC", "Bundle", "Confidence", "Dice", "Mask", "MONAI", "ONNX", "Shard", "Spacing", "Unlikeness", "Phantom")


@pytest.mark.parametrize("terms", [MEDICAL, TECHNICAL])
def test_terms_are_in_order_and_not_twice(terms: list[str]) -> None:
    assert terms == sorted(set(terms), key=str.lower)


def test_words_of_the_tasks_and_the_results_are_there() -> None:
    assert [word for word in FOR_ENGINEERS if not any(word in term for term in MEDICAL)] == []
    assert [word for word in FOR_CLINICIANS if not any(word in term for term in TECHNICAL)] == []
