"""``usseg submission``: the competition's table, of pictures of any size, and of those that cannot be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.datasets.samples import disc, write_png
from usseg_monai.cli import main
from usseg_monai.geometry.run_length import decode_run_length, encode_run_length
from usseg_monai.tasks.nerve.kaggle import SHAPE, resize_mask

CENTER, RADIUS = (200.0, 300.0), 40.0


@pytest.fixture
def submission(threshold_graph: Path, tmp_path: Path) -> list[str]:
    """The beginning of a command, with a network that takes what is brighter than 127 for the nerve and is sure of it."""
    graph = onnx.load(threshold_graph)
    sure = onnx.helper.make_tensor("presence_probability", onnx.TensorProto.FLOAT, [], [1.0])
    graph.graph.node.append(onnx.helper.make_node("Constant", [], ["presence_probability"], value=sure))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("presence_probability", onnx.TensorProto.FLOAT, []))
    onnx.helper.set_model_props(graph, {"task": "nerve"})
    file = tmp_path / "nerve.onnx"
    onnx.save(graph, file)
    return ["submission", "nerve", "--weights", str(file), "-o", str(tmp_path / "out" / "submission.csv")]


def table(tmp_path: Path) -> dict[str, str]:
    with (tmp_path / "out" / "submission.csv").open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows = {row["img"]: row["pixels"] for row in reader}
        assert reader.fieldnames == ["img", "pixels"]
    return rows


def test_rows_in_the_order_of_the_numbers(submission: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = disc(*SHAPE, CENTER, RADIUS)
    half = disc(SHAPE[0] // 2, SHAPE[1] // 2, (CENTER[0] / 2, CENTER[1] / 2), RADIUS / 2)
    images = tmp_path / "test"
    for name, pixels in (("10.tif", mask), ("9.tif", mask * 0), ("2.png", half)):
        write_png(images / name, pixels * 255)
    assert main([*submission, str(images)]) == 0
    rows = table(tmp_path)
    assert list(rows) == ["2", "9", "10"]
    assert rows["9"] == ""
    assert rows["10"] == encode_run_length(mask)
    enlarged = decode_run_length(rows["2"], SHAPE)
    assert 2 * (enlarged & mask).sum() / (enlarged.sum() + mask.sum()) > 0.97
    assert (tmp_path / "out" / "submission.csv").read_bytes().startswith(b"img,pixels\n2,")
    assert capsys.readouterr().out.startswith("3 done, 0 failed: ")


def test_an_image_that_fails_has_an_empty_code(submission: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = tmp_path / "test"
    write_png(images / "1.tif", disc(*SHAPE, CENTER, RADIUS) * 255)
    (images / "2.tif").write_text("no picture")
    assert main([*submission, str(images), "--json"]) == 1
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert line.startswith("usseg: 2.tif: not an image")
    facts = json.loads(printed.out)
    assert (facts["images"], facts["failed"]) == (2, 1)
    rows = table(tmp_path)
    assert rows["1"] and rows["2"] == ""


def test_several_frames_are_refused(submission: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    frame = Image.fromarray(disc() * np.uint8(255))
    (tmp_path / "test").mkdir()
    frame.save(tmp_path / "test" / "1.tif", save_all=True, append_images=[frame])
    assert main([*submission, str(tmp_path / "test")]) == 1
    assert "2 frames" in capsys.readouterr().err
    assert table(tmp_path) == {"1": ""}


@pytest.mark.parametrize(
    ("names", "words", "said"),
    [
        (["1_1.tif"], [], "its name is not a number"),
        (["1.tif", "01.tif"], [], "have the same number"),
        (["1.tif"], ["--threads", "0"], "--threads 0"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(
    names: list[str], words: list[str], said: str, submission: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in names:
        write_png(tmp_path / "test" / name, disc())
    assert main([*submission, str(tmp_path / "test"), *words]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_another_task_has_no_competition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submission", "fetal_head", str(tmp_path), "-o", str(tmp_path / "a.csv")]) == 2
    assert "no submission for 'fetal_head'" in capsys.readouterr().err


def test_the_real_test_images(submission: list[str], tmp_path: Path, data_root: Path) -> None:
    folder = data_root / "nerve" / "original" / "test"
    assert main([*submission, str(folder), "--threads", "2"]) == 0
    rows = table(tmp_path)
    assert list(rows) == [str(number) for number in sorted(int(path.stem) for path in folder.glob("*.tif"))]
    for code in rows.values():
        decode_run_length(code, SHAPE)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 4))
def test_enlarging_by_a_whole_factor_repeats_pixels(rows: int, cols: int, factor: int) -> None:
    mask = np.random.default_rng(rows * cols).integers(0, 2, (rows, cols), dtype=np.uint8)
    large = resize_mask(mask, (factor * rows, factor * cols))
    assert np.array_equal(large, np.kron(mask, np.ones((factor, factor), np.uint8)))
    assert np.array_equal(resize_mask(large, (rows, cols)), mask)
