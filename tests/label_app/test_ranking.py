"""The order of images, and the scores that it needs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny import save_picture
from usseg_monai.label_app.ranking import STRATEGIES, Scorer, TaskScore, task_of
from usseg_monai.label_app.studies import Studies
from usseg_monai.measuring.result import Measurement, Status


def score(confidence: float, unlikeness: float, status: str = "ok", version: int = 0) -> TaskScore:
    return TaskScore(version, status, confidence, unlikeness)


SCORES = {
    "sure": {"a": score(0.9, 0.5), "b": score(0.1, 3)},
    "unsure": {"a": score(0.4, 1.0), "b": score(0.9, 2)},
    "other": {"a": score(0.2, 2), "b": score(0.6, 0.9)},
    "strange": {"a": score(0.3, 1.01), "b": score(0.2, 4)},
    "stranger": {"a": score(0.3, 5), "b": score(0.2, 4)},
    "broken": {"a": score(0, 0, "failed"), "b": score(0, 0, "failed")},
    "new": {},
}


@pytest.mark.parametrize(
    ("strategy", "task", "expected"),
    [
        ("least_confident", "", ["unsure", "other", "sure", "new"]),
        ("least_confident", "a", ["unsure", "sure", "new"]),
        ("least_confident", "b", ["other", "new"]),
        ("unlike", "", ["stranger", "strange"]),
        ("unlike", "a", ["stranger", "strange"]),
        ("unlike", "b", ["strange", "stranger"]),
    ],
)
def test_orders(strategy: str, task: str, expected: list[str]) -> None:
    assert STRATEGIES[strategy][1](SCORES, task) == expected


def test_random_has_every_image_that_may_belong() -> None:
    order = STRATEGIES["random"][1]
    assert sorted(order(SCORES, "")) == sorted(SCORES)
    assert sorted(order(SCORES, "b")) == ["broken", "new", "other", "strange", "stranger"]
    assert len({tuple(order(SCORES, "")) for _ in range(50)}) > 1


def test_an_unreadable_image_belongs_to_no_task() -> None:
    assert task_of(SCORES["broken"]) == task_of({}) == ""


class Found:
    """Stands for the networks: confidence is the mean of the picture."""

    def __init__(self) -> None:
        self.number, self.asked = 0, 0

    def version(self, task: str) -> int:
        return self.number

    def get(self, task: str) -> Any:
        return self.number, self

    def predict(self, path: Path) -> Any:
        from usseg_monai import read_image

        self.asked += 1
        mean = round(float(read_image(path).pixels.mean()) / 255, 4)
        return type("Prediction", (), {"measurement": Measurement({}, Status.OK, confidence=mean, unlikeness=0.5)})


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_images_are_scored_in_the_background_after_start_upload_and_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usseg_monai.label_app.ranking._POLL_SECONDS", 0.05)
    first = save_picture(tmp_path / "first.png", np.full((30, 40), 51, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no image")
    found: Any = Found()
    scorer = Scorer(Studies(tmp_path), ["a"], found, tmp_path / "scores.json")
    assert scorer.of(first) == {}
    scorer.start()
    until(lambda: scorer.current(first) and scorer.of(tmp_path / "broken.png"))
    assert scorer.of(first)["a"] == score(0.2, 0.5) and scorer.of(tmp_path / "broken.png")["a"].status == "failed"
    second = save_picture(tmp_path / "second.png")
    until(lambda: scorer.current(second))
    found.number = 1  # a training
    until(lambda: scorer.of(first)["a"].version == scorer.of(second)["a"].version == 1)
    scorer.stop()

    asked = found.asked
    other = Scorer(Studies(tmp_path), ["a"], found, tmp_path / "scores.json")
    until(lambda: Scorer(Studies(tmp_path), ["a"], found, tmp_path / "scores.json").current(second))
    assert other.score(first)["a"].version == 1 and found.asked <= asked + 2
    save_picture(first, np.full((30, 40), 102, np.uint8))
    assert other.of(first) == {} and other.score(first)["a"].confidence == pytest.approx(0.4)


def test_scoring_waits_while_requests_do(tmp_path: Path) -> None:
    image = save_picture(tmp_path / "image.png")
    found: Any = Found()
    busy = [True]
    scorer = Scorer(Studies(tmp_path), ["a"], found, tmp_path / "scores.json", lambda: busy[0])
    scorer.start()
    time.sleep(0.4)
    assert found.asked == 0
    busy.clear()
    busy.append(False)
    until(lambda: scorer.current(image))
    scorer.stop()


def test_a_damaged_file_of_scores_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text('{"a.png": [1]}')
    found: Any = Found()
    assert Scorer(Studies(tmp_path), ["a"], found, tmp_path / "scores.json").of(tmp_path / "a.png") == {}
