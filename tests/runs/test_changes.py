from __future__ import annotations

import pytest

from usseg_monai.runs.changes import brief, describe_changes


def test_every_kind_of_value_in_words() -> None:
    earlier = brief({"version": "1", "weights_sha256": "a" * 64, "label": None, "any_modality": False, "configs": (), "save": ["mask"]})
    now = brief({"version": "2", "weights_sha256": "b" * 64, "label": 3, "any_modality": True, "configs": ("x", "y"), "save": []})
    assert describe_changes(earlier, now).split("; ") == [
        "the version is 2 (was: 1)",
        "the SHA-256 of the weights is bbbbbbbbbbbb (was: aaaaaaaaaaaa)",
        "--label is 3 (was: not given)",
        "--any-modality is given (was: not given)",
        "--config is x,y (was: not given)",
        "--save is not given (was: mask)",
    ]
    assert describe_changes(now, now) == ""


def test_long_values_differ_by_their_digests() -> None:
    one, other = (brief({"spacing_csv": [[f"{number}.png", step] for number in range(99)]}) for step in (0.1, 0.2))
    assert len(str(one)) < 60 and describe_changes(one, other).startswith("--spacing-csv is digest ")


@pytest.mark.parametrize(("characters", "kept"), [(98, True), (99, False)])
def test_values_of_100_characters_are_kept(characters: int, kept: bool) -> None:
    """Two more are the quotation marks."""
    assert (brief({"label": "x" * characters})["label"] == "x" * characters) == kept
