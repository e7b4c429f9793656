"""Reports have the trees of PS3.16's templates, item by item: TID 1500 with 1410 and 1501, and TID 5000 with 5004, 5005 and 5008.

After a change that is meant, ``python -m tests.dicom.test_trees`` writes the trees again; read the difference before it is kept.
"""

from __future__ import annotations

import pytest

from tests.dicom.sources import CASES, maker
from tests.dicom.trees import GOLDEN, tree
from usseg_monai.dicom.make import make_objects

TREES = {"head_sr": "head", "head_obgyn": "head", "lesions_sr": "lesions", "heart_sr": "heart", "empty_sr": "empty"}


def text_of(name: str) -> str:
    case, task = CASES[TREES[name]]
    (made,) = make_objects(case(), maker(task), [name.rpartition("_")[2]])
    version = maker(task).version
    return "\n".join(line.replace(f"= {version}", "= VERSION") for line in tree(made.dataset)) + "\n"


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_as_it_was_checked(name: str) -> None:
    assert text_of(name) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for tree_name in TREES:
        (GOLDEN / f"{tree_name}.txt").write_text(text_of(tree_name), encoding="utf-8")
