"""The calls say what the command says, to the last digit, and depend on nothing but their message."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.conftest import Server
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import TABLE, run_batch
from usseg_monai.tasks import TASKS, get_task, has_weights, load
from usseg_monai.tasks.showcase import Sample, Showcase
from usseg_monai.web import calls, tables
from usseg_monai.web.decoding import decoded_content
from usseg_monai.web.engines import Engines
from usseg_monai.web.wire import Data, packed, split

ENGINES = Engines()
HERE = [task for task in TASKS if has_weights(task)]


def first_sample(task: str) -> Sample:
    showcase: Showcase = load(TASKS[task].showcase)
    return next(iter(showcase.groups[0].samples()))


def decoded(sample: Sample) -> tuple[dict[str, Any], Data]:
    text, pixels = split(decoded_content(sample.name, sample.content, sample.spacing_mm))
    return text["frames"][0], pixels


def predicted(task: str, sample: Sample) -> tuple[dict[str, Any], dict[str, Any], Data]:
    """What the page knows of the frame, the answer's text, and its mask."""
    frame, pixels = decoded(sample)
    text, mask = split(calls.predict(ENGINES, packed({**frame, "task": task}, [pixels])))
    return frame, text, mask


@pytest.mark.parametrize("task", HERE)
def test_page_command_and_python_agree_to_the_last_digit(task: str, tmp_path: Path) -> None:
    sample = first_sample(task)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / sample.name).write_bytes(sample.content)
    run_batch(task, [tmp_path / "in"], tmp_path / "out", Options(spacing_mm=sample.spacing_mm))
    _, text, mask = predicted(task, sample)
    page = tables.table(packed({"task": task, "rows": [json.loads(json.dumps(text["row"])) | {"corrected": "no"}]}))
    (command,) = csv.DictReader(io.StringIO((tmp_path / "out" / TABLE).read_text()))
    (shown,) = csv.DictReader(io.StringIO(page))
    assert shown.pop("corrected") == "no" and shown == command
    assert {value["name"]: value["text"] for value in text["all"]} == {column.name: command[column.name] for column in TASKS[task].columns}
    found = Predictor(task).predict(sample.content, spacing_mm=sample.spacing_mm)
    assert np.frombuffer(mask, np.uint8).tobytes() == found.mask.tobytes()
    assert text["row"]["confidence"] == found.confidence and text["status"] == found.status.value


@pytest.mark.parametrize("task", HERE)
def test_the_network_s_mask_measured_again_keeps_its_numbers_and_its_doubt(task: str) -> None:
    frame, text, mask = predicted(task, first_sample(task))
    again, rest = split(calls.measure(packed({**frame, "task": task, "said": text["said"], "spacing_mm": text["spacing_mm"]}, [mask])))
    assert again["row"] == text["row"] and again["confidence"] == text["confidence"] and not rest


def test_spacing_typed_by_hand_scales_the_numbers_and_keeps_the_confidence() -> None:
    sample = first_sample("fetal_head")
    frame, text, mask = predicted("fetal_head", sample)
    asked = {**frame, "task": "fetal_head", "said": text["said"], "spacing_mm": [2 * step for step in text["spacing_mm"]]}
    twice, _ = split(calls.measure(packed(asked, [mask])))
    assert twice["row"]["head_circumference_mm"] == pytest.approx(2 * text["row"]["head_circumference_mm"])
    assert twice["row"]["confidence"] == text["row"]["confidence"] is not None


def test_a_corrected_mask_has_no_confidence_and_the_numbers_of_the_command_measure() -> None:
    frame, text, mask = predicted("fetal_head", first_sample("fetal_head"))
    asked = {**frame, "task": "fetal_head", "said": text["said"], "spacing_mm": [0.2, 0.2], "corrected": True}
    corrected, _ = split(calls.measure(packed(asked, [mask])))
    array = np.frombuffer(mask, np.uint8).reshape(frame["rows"], frame["cols"])
    plain = get_task("fetal_head").measure(array, 0.2)
    assert corrected["corrected"] and corrected["confidence"] is None and corrected["row"]["confidence"] is None
    assert {name: corrected["row"][name] for name in plain.values} == dict(plain.values)


def test_a_mask_is_filled_from_axes_and_comes_back_with_their_lengths() -> None:
    axes = [[[50.0, 20.0], [50.0, 100.0]], [[20.0, 60.0], [80.0, 60.0]]]
    asked = {"task": "fetal_head", "rows": 100, "cols": 120, "spacing_mm": [0.5, 0.5], "axes": axes, "corrected": True}
    text, mask = split(calls.measure(packed(asked)))
    assert len(mask) == 12000 and text["row"]["occipitofrontal_diameter_mm"] == pytest.approx(40, abs=0.05)
    for wrong in ([[[1, 2], [3, 4]]], [[[1, 1], [1, 1]], [[2, 2], [3, 3]]], "x", [[[1e9, 0], [0, 0]], [[1, 1], [2, 2]]]):
        with pytest.raises(UsageError):
            calls.measure(packed(asked | {"axes": wrong}))
    with pytest.raises(UsageError, match="send a mask"):
        calls.measure(packed(asked | {"task": "nerve"}))


def test_auto_finds_the_task(hc18: Path) -> None:
    """On a real head."""
    image = sorted((hc18 / "training_set").glob("*HC.png"))[0]
    frame, pixels = decoded(Sample("1.png", image.read_bytes()))
    text, _ = split(calls.predict(ENGINES, packed({**frame, "task": "auto"}, [pixels])))
    assert text["task"] == "fetal_head" and text["proposal"]["fetal_head"] <= 1 and set(text["proposal"]) == set(HERE)
    place = {"modality": "MR"}
    asked, _ = split(calls.predict(ENGINES, packed({**frame, "task": "fetal_head", "place": place}, [pixels])))
    assert "the header says MR" in asked["message"] and "--" not in asked["message"]


def test_auto_refuses_what_is_unlike_everything() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400), np.uint8)
    with pytest.raises(UsageError, match="choose the task"):
        calls.predict(ENGINES, packed({"task": "auto", "rows": 300, "cols": 400, "type": "u1"}, [noise.tobytes()]))
    with pytest.raises(UsageError, match="modality CT"):
        calls.predict(
            ENGINES, packed({"task": "auto", "rows": 300, "cols": 400, "type": "u1", "place": {"modality": "CT"}}, [noise.tobytes()])
        )


def test_twenty_users_at_once_get_their_own_answers(server: Server) -> None:
    sizes = [(100 + 7 * number, 120 + 5 * number) for number in range(20)]

    def ask(size: tuple[int, int]) -> tuple[dict[str, Any], Data]:
        rows, cols = size
        mask = np.zeros(size, np.uint8)
        mask[10 : 10 + rows // 2, 20 : 20 + cols // 3] = 1
        body = packed({"task": "nerve", "rows": rows, "cols": cols, "spacing_mm": [0.1, 0.1], "file": f"{rows}.png"}, [mask.tobytes()])
        status, _, answer = server.ask("POST", "/call/measure", body)
        assert status == 200
        return split(answer)

    with ThreadPoolExecutor(20) as pool:
        for (rows, cols), (text, _) in zip(sizes, pool.map(ask, sizes), strict=True):
            assert text["row"]["file"] == f"{rows}.png" and text["row"]["area_px"] == (rows // 2) * (cols // 3)


def test_pictures_and_numbers_of_several_structures_are_numbered() -> None:
    mask = np.zeros((200, 300), np.uint8)
    mask[40:90, 30:110] = mask[100:150, 200:250] = 1
    text, _ = split(calls.measure(packed({"task": "breast", "rows": 200, "cols": 300, "spacing_mm": [0.1, 0.1]}, [mask.tobytes()])))
    assert text["parts"]["name"] == "lesion" and len(text["parts"]["rows"]) == len(text["numbered"]) == len(text["parts_rows"]) == 2
    rows = [{"file": "a.png", "frame": 0, "lesion": number, **part} for number, part in enumerate(text["parts_rows"], 1)]
    lines = tables.table(packed({"task": "breast", "rows": rows, "parts": True})).splitlines()
    assert lines[0].startswith("file,frame,lesion,area_mm2") and lines[1].startswith("a.png,0,1,40,") and len(lines) == 3


def test_a_dark_or_coloured_picture_is_read_as_everywhere(hc18: Path) -> None:
    image = sorted((hc18 / "training_set").glob("*HC.png"))[3]
    frame, pixels = decoded(Sample("1.png", image.read_bytes()))
    assert np.array_equal(np.frombuffer(pixels, f"<{frame['type']}").reshape(frame["rows"], frame["cols"]), read_image(image).pixels)
