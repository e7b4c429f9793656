"""Changes are small, many, and the same for the same chance."""

from __future__ import annotations

import json
from random import Random

from benchmarks.fuzz.mutate import LARGEST, mutate_bytes, mutate_json, mutate_text

DATA = bytes(range(256)) * 4
WORDS = ("type:", "raw")


def test_the_same_chance_makes_the_same_bytes() -> None:
    for seed in range(50):
        assert mutate_bytes(Random(seed), DATA, [DATA]) == mutate_bytes(Random(seed), DATA, [DATA])
        assert mutate_text(Random(seed), "a 1\nb 2\n", WORDS) == mutate_text(Random(seed), "a 1\nb 2\n", WORDS)


def test_most_inputs_differ_and_none_is_endless() -> None:
    made = [mutate_bytes(Random(seed), DATA, [DATA, b"other"]) for seed in range(500)]
    assert len(set(made)) > 450 and max(map(len, made)) <= LARGEST
    texts = [mutate_text(Random(seed), "a 1\nb 2\n" * 50, WORDS) for seed in range(500)]
    assert len(set(texts)) > 450 and max(map(len, texts)) <= 4 * LARGEST


def test_nothing_can_be_changed_too() -> None:
    for seed in range(300):
        mutate_bytes(Random(seed), b"", [b""])
        mutate_text(Random(seed), "", WORDS)


def test_a_changed_list_leaves_the_good_one_alone() -> None:
    good = {"test": [{"image": "a.png", "label": ["b.png"], "spacing_mm": [0.2, 0.2]}]}
    before = json.dumps(good)
    changed = {json.dumps(mutate_json(Random(seed), good, WORDS)) for seed in range(200)}
    assert json.dumps(good) == before and len(changed) > 60
