"""The function for CVAT, run by the SDK's own code against a task that stands in for a server's."""

from __future__ import annotations

import json
import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cvat_cli.__main__
import cvat_cli._internal.common
import cvat_sdk.auto_annotation as cvataa
import cvat_sdk.auto_annotation.driver
import numpy as np
import numpy.typing as npt
import pytest
from cvat_cli._internal.parsers import parse_label_arg
from cvat_sdk import models
from cvat_sdk.api_client.model_utils import to_json
from cvat_sdk.masks import decode_mask
from PIL import Image, ImageDraw

import usseg_monai
from tests.annotation.predictions import TWO_LESIONS, predicted
from tests.conftest import REPOSITORY
from tests.imaging.samples import dicom_bytes
from tests.tiny import ellipse
from usseg_monai.annotation import cvat
from usseg_monai.annotation.structures import known_texts, structure_columns
from usseg_monai.cli import main
from usseg_monai.errors import UsageError
from usseg_monai.files.table import read_table
from usseg_monai.tasks import TASKS, get_task

PAGE = REPOSITORY / "docs" / "how_to" / "cvat.md"


class Server:
    """What the SDK sees of a server: one task with labels and pictures; keeps what is uploaded."""

    def __init__(self, labels: Sequence[dict[str, Any]], pictures: dict[str, Image.Image]) -> None:
        self.logger = logging.getLogger("cvat")
        self.labels = [
            models.Label._new_from_openapi_data(
                id=100 + number,
                name=label["name"],
                type=label["type"],
                sublabels=[],
                attributes=[{**attribute, "id": 1000 * number + index} for index, attribute in enumerate(label["attributes"])],
            )
            for number, label in enumerate(labels)
        ]
        self.pictures = pictures
        self.samples = [
            SimpleNamespace(frame_index=index, frame_name=name, media=SimpleNamespace(load_image=picture.copy))
            for index, (name, picture) in enumerate(pictures.items())
        ]
        self.uploaded: dict[str, Any] = {}
        self.api_client = SimpleNamespace(default_headers={"User-Agent": "cvat_sdk"})
        self.created: dict[str, Any] = {}
        self.tasks = SimpleNamespace(api=SimpleNamespace(partial_update_annotations=self._upload), create_from_data=self._create)

    def _upload(self, action: str, task_id: int, *, patched_labeled_data_request: models.PatchedLabeledDataRequest) -> None:
        assert (action, task_id) == ("create", 7) and not self.uploaded
        self.uploaded = json.loads(json.dumps(to_json(patched_labeled_data_request)))  # as it goes over the wire

    def _create(self, spec: models.TaskWriteRequest, **more: Any) -> Any:
        self.created = to_json(spec) | more
        return SimpleNamespace(id=7)

    def check_server_version(self, *, fail_if_unsupported: bool) -> None:
        pass

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    def label(self, annotation: dict[str, Any]) -> str:
        (name,) = (label.name for label in self.labels if label.id == annotation["label_id"])
        return str(name)

    def attributes(self, annotation: dict[str, Any]) -> dict[str, str]:
        names = {each.id: each.name for label in self.labels if label.id == annotation["label_id"] for each in label.attributes}
        return {names[each["spec_id"]]: each["value"] for each in annotation["attributes"]}

    def mask(self, frame: int) -> npt.NDArray[np.uint8]:
        """All masks of a frame together; they share no pixel."""
        picture = self.samples[frame].media.load_image()
        found = np.zeros((picture.height, picture.width), np.uint8)
        for shape in self.uploaded["shapes"]:
            if shape["frame"] == frame:
                assert shape["type"] == "mask" and shape["source"] == "auto"
                found += decode_mask(shape["points"], image_width=picture.width, image_height=picture.height)
        assert found.max() <= 1
        return found


def annotate(monkeypatch: pytest.MonkeyPatch, server: Server, *words: str) -> None:
    """``cvat-cli task auto-annotate 7 --function-module usseg_monai.annotation.cvat WORDS``, as the command runs it."""
    run_cli(monkeypatch, server, ["task", "auto-annotate", "7", "--function-module", "usseg_monai.annotation.cvat", *words])


def run_cli(monkeypatch: pytest.MonkeyPatch, server: Server, words: Sequence[str]) -> None:
    """CVAT's command, with a server that stands in for the real one."""
    monkeypatch.setattr(cvat_cli._internal.common, "make_client_from_cli", lambda *_, **__: server)
    monkeypatch.setattr(cvat_sdk.auto_annotation.driver, "TaskDataset", lambda client, task_id, load_annotations: client)
    assert not cvat_cli.__main__.main([*words])


def real_image(task: str, data_root: Path) -> Path:
    """A picture with the structure."""
    if samples := sorted((Path(usseg_monai.__file__).parent / "tasks" / task / "samples").glob("*.png")):
        return samples[0]
    return sorted((data_root / {"nerve": "nerve", "breast": "busi"}[task]).rglob({"nerve": "*.tif", "breast": "benign*.png"}[task]))[0]


def save_as_png(file: Path, folder: Path) -> list[Path]:
    """Frames of a file that CVAT does not read, as in docs/how_to/cvat.md."""
    saved = []
    for image in usseg_monai.read_frames(file):
        deep = image.pixels.max() > 255
        saved.append(folder / f"{file.stem}_{image.source.frame:03d}.png")
        Image.fromarray(image.pixels.astype(np.uint16 if deep else np.uint8)).save(saved[-1])
    return saved


def alike(found: str, expected: str) -> bool:
    """Equal words, or numbers equal to the digits of the table."""
    return found == expected or float(found) == pytest.approx(float(expected), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_masks_are_those_of_predict(task: str, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Image.open(real_image(task, data_root)) as opened:
        grey = opened.convert("L")
    (tmp_path / "in").mkdir()
    grey.convert("RGB").save(tmp_path / "in" / "a.png")
    grey.save(tmp_path / "in" / "b.jpg", quality=85)
    record = get_task(task)
    deep = np.asarray(grey).astype(np.uint16) * (16 if record.modality == "MR" else 1)
    pixels = deep if record.modality == "MR" else np.asarray(grey)
    (tmp_path / "in" / "c.dcm").write_bytes(dicom_bytes(pixels, Modality=record.modality))
    assert main(["predict", task, str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--save", "mask", "-q"]) == 0

    (png,) = save_as_png(tmp_path / "in" / "c.dcm", tmp_path)
    pictures = {"a.png": tmp_path / "in" / "a.png", "b.jpg": tmp_path / "in" / "b.jpg", "c.png": png}
    server = Server(json.loads(cvat.labels_json(task)), {name: Image.open(file) for name, file in pictures.items()})
    annotate(monkeypatch, server, "-p", f"task=str:{task}")

    rows = list(read_table(tmp_path / "out" / "results.csv"))
    assert [row["file"] for row in rows] == ["a.png", "b.jpg", "c.dcm"]
    for frame, row in enumerate(rows):
        truth = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{'abc'[frame]}.png")) // 255
        assert np.array_equal(server.mask(frame), truth) and truth.any()
        shapes = [shape for shape in server.uploaded["shapes"] if shape["frame"] == frame]
        first = server.attributes(shapes[0])
        assert first["status"] == row["status"] and {server.label(shape) for shape in shapes} == {record.labels[1]}
        numbers = known_texts(structure_columns(record), row)
        assert numbers and all(alike(first[name], text) for name, text in numbers.items())
        assert float(first["confidence"]) == pytest.approx(row["confidence"], abs=1e-5)
        assert not any(name.endswith(("_mm", "_mm2")) for name in first)  # no pixel size is passed on
        tags = [tag for tag in server.uploaded["tags"] if tag["frame"] == frame]
        assert [server.label(tag) for tag in tags] == ([row["predicted_class"]] if record.classes else [])


def test_with_a_pixel_size_lengths_are_in_millimetres(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.open(real_image("fetal_head", data_root))
    server = Server(json.loads(cvat.labels_json("fetal_head")), {"a.png": picture})
    annotate(monkeypatch, server, "-p", "task=str:fetal_head", "-p", "spacing_mm=float:0.2")
    found = server.attributes(server.uploaded["shapes"][0])
    assert float(found["head_circumference_mm"]) == pytest.approx(0.2 * float(found["head_circumference_px"]), rel=1e-4)


class Said:
    """A predictor that knows its answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, pixels: Any, spacing_mm: float | None = None) -> Any:
        return self.answer


def detect(annotator: cvat.Annotator, picture: Image.Image | None = None, **context: Any) -> Sequence[Any]:
    asked = cvat_sdk.auto_annotation.driver._DetectionFunctionContextImpl(frame_name="a.png", **context)
    return annotator.detect(asked, picture or Image.new("L", (90, 60)))


def annotator_of(monkeypatch: pytest.MonkeyPatch, task: str, mask: npt.NDArray[np.uint8], **said: Any) -> cvat.Annotator:
    annotator = cvat.create(task)
    monkeypatch.setattr(annotator, "_predictor", Said(predicted(task, mask, **said)))
    return annotator


def texts(annotator: cvat.Annotator, annotation: Any) -> dict[str, str]:
    (label,) = (label for label in annotator.spec.labels if label.id == annotation.label_id)
    names = {attribute.id: attribute.name for attribute in label.attributes}
    return {"label": label.name} | {names[each.spec_id]: each.value for each in annotation.attributes}


def test_each_lesion_is_a_mask_with_its_numbers_and_the_class_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"normal_probability": 0.1, "benign_probability": 0.2, "malignant_probability": 0.7, "confidence": 0.8, "unlikeness": 0.3}
    annotator = annotator_of(monkeypatch, "breast", TWO_LESIONS, **said)
    tag, *shapes = detect(annotator)
    first, second, specks = (texts(annotator, shape) for shape in shapes)
    assert [first["area_px"], second["area_px"]] == ["950", "300"] and "area_px" not in specks
    assert {each["status"] for each in (first, second, specks)} == {"multiple_structures"}
    assert first["confidence"] == "0.8" and first["unlikeness"] == "0.3" and "2 lesions" in first["message"]
    assert texts(annotator, tag)["label"] == "malignant" and texts(annotator, tag)["malignant_probability"] == "0.7"
    assert texts(annotator, tag)["lesion_count"] == "2" and "area_px" not in texts(annotator, tag)


@pytest.mark.parametrize("task", TASKS)
def test_nothing_found_is_a_tag_with_the_status(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = dict.fromkeys(get_task(task).outputs, 0.25) | ({"normal_probability": 0.5} if get_task(task).classes else {})
    annotator = annotator_of(monkeypatch, task, np.zeros((60, 90), np.uint8), **said)
    (tag,) = detect(annotator)
    found = texts(annotator, tag)
    assert found["label"] == ("normal" if get_task(task).classes else f"no {get_task(task).labels[1]}")
    assert found["status"] == "empty"


def test_polygons_on_request_go_around_the_outer_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = annotator_of(monkeypatch, "nerve", TWO_LESIONS)
    shapes = detect(annotator, conv_mask_to_poly=True)
    assert [shape.type.value for shape in shapes] == ["polygon"] * 4
    scale, drawn = 8, Image.new("L", (8 * 90, 8 * 60))
    for shape in shapes:
        ImageDraw.Draw(drawn).polygon([scale * value - 0.5 for value in shape.points], fill=1)
    filled = TWO_LESIONS.copy()
    filled[40:45, 50:60] = 1  # polygons have no holes
    assert np.array_equal(np.asarray(drawn)[scale // 2 :: scale, scale // 2 :: scale], filled)
    assert max(len(shape.points) for shape in shapes) == 16  # eight corners: nothing within a straight edge


@pytest.mark.parametrize(("threshold", "count"), [(None, 1), (0.6, 1), (0.61, 0)])
def test_a_threshold_of_confidence(threshold: float | None, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = annotator_of(monkeypatch, "nerve", ellipse(), confidence=0.6, unlikeness=0.2)
    assert len(detect(annotator, conf_threshold=threshold)) == count


def test_without_a_confidence_no_threshold_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(detect(annotator_of(monkeypatch, "nerve", ellipse()), conf_threshold=1.0)) == 1


def test_a_picture_that_cannot_be_used_does_not_end_the_rest(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    annotator = cvat.create("fetal_head")
    assert detect(annotator, Image.new("LAB", (90, 60))) == []
    assert "a.png: not annotated: pixels of kind LAB" in caplog.text


def test_any_mode_of_a_picture(data_root: Path) -> None:
    grey = Image.open(real_image("fetal_head", data_root)).convert("L")
    annotator = cvat.create("fetal_head")
    pictures = [grey, Image.fromarray(np.asarray(grey).astype(np.uint16)), *map(grey.convert, ("LA", "P", "RGB", "RGBA", "CMYK", "I", "F"))]
    assert pictures[1].mode == "I;16"
    points = [shape.points for picture in pictures for shape in detect(annotator, picture)]
    assert len(points) == len(pictures) and all(each == points[0] for each in points)


def test_an_orientation_tag_is_followed(data_root: Path) -> None:
    upright = Image.open(real_image("fetal_head", data_root)).convert("L")
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6  # turn it by 90 degrees clockwise to see it
    annotator = cvat.create("fetal_head")
    (expected,), (found,) = detect(annotator, upright), detect(annotator, turned)
    assert found.points == expected.points


@pytest.mark.parametrize("task", TASKS)
def test_printed_labels_are_those_that_the_function_declares(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = subprocess.run([sys.executable, "-m", "usseg_monai.annotation.cvat", task], capture_output=True, text=True, check=True)
    (tmp_path / "labels.json").write_text(printed.stdout)
    labels = parse_label_arg(str(tmp_path / "labels.json"))
    for label in labels:
        models.PatchedLabelRequest(**{**label, "attributes": [models.AttributeRequest(**each) for each in label["attributes"]]})
        assert len(label["name"]) <= 64 and all(len(each["name"]) <= 64 for each in label["attributes"])  # CVAT's own bounds
    monkeypatch.setattr(cvat, "Predictor", lambda name: SimpleNamespace(task=get_task(name)))
    spec = cvat.create(task).spec
    cvat_sdk.auto_annotation.driver._AnnotationMapper(
        logging.getLogger(), spec.labels, Server(labels, {}).labels, allow_unmatched_labels=False, conv_mask_to_poly=False
    )


def test_a_label_that_the_task_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = json.loads(cvat.labels_json("nerve"))[:1]
    with pytest.raises(cvataa.BadFunctionError, match="label 'no nerve' is not in dataset"):
        annotate(monkeypatch, Server(labels, {}), "-p", "task=str:nerve")
    annotate(monkeypatch, server := Server(labels, {}), "-p", "task=str:nerve", "--allow-unmatched-labels")
    assert server.uploaded == {"tags": [], "shapes": []}


def test_the_commands_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create, auto_annotate = re.findall(r"^ +cvat-cli (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    labels = cvat.labels_json("breast")
    (tmp_path / "labels.json").write_text(labels)
    monkeypatch.chdir(tmp_path)
    server = Server(json.loads(labels), {"a.png": Image.radial_gradient("L")})
    run_cli(monkeypatch, server, shlex.split(create))
    assert [label["name"] for label in server.created["labels"]] == [label.name for label in server.labels]
    assert server.created["resources"] == ["IMAGES/a.png", "IMAGES/b.png"]
    run_cli(monkeypatch, server, shlex.split(auto_annotate))
    assert len(server.uploaded["tags"]) == 1


@pytest.mark.parametrize("option", ["-p spacing_mm=float:0.2", "--conf-threshold 0.5", "--conv-mask-to-poly", "--allow-unmatched-labels"])
def test_the_options_of_the_page(option: str, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"| `{option}` |" in PAGE.read_text(encoding="utf-8")
    labels, kind = cvat.labels_json("fetal_head"), "polygon" if "poly" in option else "mask"
    server = Server(json.loads(labels.replace('"mask"', f'"{kind}"')), {"a.png": Image.open(real_image("fetal_head", data_root))})
    annotate(monkeypatch, server, "-p", "task=str:fetal_head", *option.split())
    assert [shape["type"] for shape in server.uploaded["shapes"]] == [kind]


def test_wrong_parameters() -> None:
    with pytest.raises(UsageError, match="unknown task 'nerv'"):
        cvat.create("nerv")
    done = subprocess.run([sys.executable, "-m", "usseg_monai.annotation.cvat"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("usage: python -m usseg_monai.annotation.cvat TASK")


def test_neither_torch_nor_monai_is_imported() -> None:
    code = (
        "import sys; from PIL import Image; from types import SimpleNamespace as S; from usseg_monai.annotation import cvat\n"
        "asked = S(frame_name='a', conf_threshold=None, conv_mask_to_poly=True)\n"
        "cvat.create('fetal_head').detect(asked, Image.radial_gradient('L'))\n"
        "print([name for name in ('torch', 'monai', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
