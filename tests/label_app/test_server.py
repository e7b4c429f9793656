"""The real server as a process: the loop of annotation over HTTP for each task, and everything that must be refused."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from benchmarks.label_client import Answer, LabelServer, serving
from tests.conftest import REPOSITORY
from tests.imaging.samples import dicom_bytes, nifti_bytes, pillow_bytes
from tests.label_app.conftest import PHANTOMS, SUFFIXES, bytes_of
from usseg_monai import Predictor, read_frames, read_mask
from usseg_monai.evaluation.overlap import dice
from usseg_monai.geometry.types import MaskArray
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights.checkpoints import sha256_of

pytestmark = pytest.mark.label


@pytest.fixture(scope="module")
def predictors() -> Mapping[str, Predictor]:
    return {task: Predictor(task) for task in PHANTOMS}


@cache
def mask_of(task: str, seed: int) -> MaskArray:
    return PHANTOMS[task](seed).mask


def png(mask: npt.NDArray[Any]) -> tuple[str, bytes]:
    return "label.png", pillow_bytes(mask.astype(np.uint8), "PNG")


def labels_of(task: str) -> dict[str, int]:
    return {name: value for value, name in enumerate(TASKS[task].labels) if value}


def test_info_offers_every_task(server: LabelServer) -> None:
    info = server.call("GET", "/info/").json
    assert list(info["models"]) == list(TASKS) == list(info["trainers"])
    assert {task: model["labels"] for task, model in info["models"].items()} == {task: labels_of(task) for task in TASKS}
    assert {model["dimension"] for model in info["models"].values()} == {2}
    assert set(info["strategies"]) == {"least_confident", "unlike", "random"} and set(info["scoring"]) == {"dice"}
    assert info["datastore"]["total"] == len(PHANTOMS) * len(SUFFIXES)


@pytest.mark.parametrize("task", PHANTOMS)
def test_the_mask_is_that_of_usseg_predict(server: LabelServer, studies: Path, predictors: Mapping[str, Predictor], task: str) -> None:
    for seed, suffix in enumerate(SUFFIXES):
        image = f"{task}_{seed}"
        expected = predictors[task].predict(studies / f"{image}{suffix}")
        assert expected.mask.any()
        for extension in (".png", ".nrrd", ".nii.gz"):
            answer = server.infer(task, image, "image", {"result_extension": extension})
            assert answer.status == 200, answer.body
            (found,) = read_frames(answer.body)
            assert set(np.unique(found.pixels)) == {0, 1}
            assert np.array_equal(found.pixels, expected.mask), (image, extension)
        numbers = server.infer(task, image, "json").json
        assert numbers["status"] == expected.status and numbers["label_names"] == labels_of(task)
        assert numbers["confidence"] == pytest.approx(expected.confidence)
        assert numbers["measurements"] == json.loads(json.dumps(dict(expected.measurements)))
        assert numbers["spacing_mm"] == ([0.3, 0.25] if suffix == ".dcm" else None)
        assert numbers["presence"]["found"] and len(numbers["parts"]) == len(expected.measurement.parts)
        assert list(numbers["class_probabilities"]) == list(TASKS[task].classes)


def test_numbers_have_units_and_the_spacing_of_the_request(server: LabelServer) -> None:
    without = server.infer("fetal_head", "fetal_head_0", "json").json["measurements"]
    given = server.infer("fetal_head", "fetal_head_0", "json", {"spacing_mm": "0.2"}).json
    assert without["head_circumference_mm"] is None
    assert given["measurements"]["head_circumference_mm"] == pytest.approx(0.2 * without["head_circumference_px"])
    assert given["units"]["head_circumference_mm"] == "mm"
    assert server.infer("breast", "breast_0", "json", {"spacing_mm": [0.1, 0.2]}).json["spacing_mm"] == [0.1, 0.2]
    classes = server.infer("breast", "breast_0", "json").json
    assert sum(classes["class_probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert classes["presence"]["probability"] == pytest.approx(1 - classes["class_probabilities"]["normal"])
    assert 0 <= server.infer("nerve", "nerve_0", "json").json["presence"]["probability"] <= 1


def test_3d_slicer_gets_a_volume_on_the_grid_of_the_image(server: LabelServer, studies: Path) -> None:
    """What the plugin sends, and how it takes the answer: https://github.com/Project-MONAI/MONAILabel, plugins/slicer."""
    config = server.call("GET", "/info/").json["models"]["left_ventricle"]["config"]
    params = {**config, "result_extension": ".nrrd", "result_dtype": "uint8", "client_id": "user-xyz"}
    answer = server.infer("left_ventricle", "left_ventricle_2", params=params)
    parts = answer.parts()
    assert answer.kind.startswith("multipart/form-data")
    name, content = parts["image"]
    header = content.partition(b"\n\n")[0].decode()
    assert name.endswith(".nrrd") and "dimension: 3" in header and "encoding: gzip" in header and "sizes: 256 256 1" in header
    assert "space directions: (0.25,0,0) (0,0.29999999999999999,0) (0,0,1)" in header
    names = json.loads(parts["params"][1])["label_names"]
    assert [label for label, _ in sorted(names.items(), key=lambda item: item[1])] == list(TASKS["left_ventricle"].labels[1:])


def test_without_a_wish_the_mask_is_no_png(server: LabelServer) -> None:
    assert server.infer("nerve", "nerve_0").parts()["image"][0].endswith(".nrrd")
    assert server.infer("nerve", "nerve_0", "image").kind == "image/png"  # somebody who asks for the image alone is not Slicer


def test_cvat_gets_polygons_of_a_picture_that_it_sends(server: LabelServer, studies: Path, predictors: Mapping[str, Predictor]) -> None:
    """What MONAI Label's nuclio detector sends and reads: the frame as JPEG again, whole numbers, polygons."""
    content = pillow_bytes(bytes_of(PHANTOMS["breast"](0)), "JPEG")
    numbers = server.infer("breast", params={"output": "json", "client_id": None}, file=("tmpab12.jpg", content)).json
    (annotation,) = numbers["annotations"]
    (element,) = annotation["annotation"]["elements"]
    assert element["label"] == "lesion" and "prediction" not in numbers
    expected = predictors["breast"].predict(content).mask
    drawn = Image.new("L", expected.shape[::-1])
    from PIL import ImageDraw

    for contour in element["contours"]:
        ImageDraw.Draw(drawn).polygon([(x, y) for x, y in np.array(contour, int)], fill=1)
    assert dice(np.asarray(drawn), expected) > 0.98
    mask = server.infer("breast", params={"output": "mask", "foreground": [[3, 4]]}, file=("tmp.jpg", content))
    assert mask.kind == "image/png" and np.array_equal(np.asarray(Image.open(io.BytesIO(mask.body))), expected)


def test_one_frame_of_several(server: LabelServer, predictors: Mapping[str, Predictor]) -> None:
    cine = np.stack([bytes_of(PHANTOMS["left_ventricle"](seed)) for seed in (5, 6, 7)])
    content = dicom_bytes(cine, Modality="MR", PixelSpacing=[1.2, 1.2])
    expected = [predictors["left_ventricle"].predict(image).mask for image in read_frames(content)]
    for frame in (0, 2):
        answer = server.infer("left_ventricle", output="image", params={"frame": frame}, file=("cine.dcm", content))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.body))), expected[frame])
    refused = server.infer("left_ventricle", params={"frame": 3}, file=("cine.dcm", content))
    assert refused.status == 422 and "no frame 3" in refused.detail


NAMED_BADLY = (
    ("POST", "/infer/nope?image=nerve_0", "no model 'nope'"),
    ("POST", "/infer/nerve?image=nope", "no image 'nope'"),
    ("POST", "/infer/nerve?image=..%2Foutside.png", "no image"),
    ("POST", "/infer/nerve?image=%2Fetc%2Fhostname", "no image"),
    ("GET", "/datastore/image?image=..%2Foutside.png", "no image"),
    ("GET", "/datastore/label?label=nerve_0&tag=..%2F..", "no tag"),
    ("GET", "/datastore/label?label=nerve_0&tag=final", "has no label"),
    ("DELETE", "/datastore/image?id=..%2Foutside.png", "no image"),
    ("POST", "/activelearning/nope", "no strategy 'nope'"),
    ("POST", "/train/nope", "no trainer 'nope'"),
    ("POST", "/scoring/nope", "no method of scoring 'nope'"),
    ("POST", "/batch/infer/nope", "no model 'nope'"),
)


@pytest.mark.parametrize(("method", "address", "reason"), NAMED_BADLY, ids=lambda value: str(value).replace("/", "_"))
def test_unknown_names_are_404(server: LabelServer, method: str, address: str, reason: str) -> None:
    answer = server.call(method, address)
    assert answer.status == 404 and reason in answer.detail


@pytest.mark.parametrize(
    "address", ["/proxy/dicom/x", "/session/", "/model/nerve", "/infer/wsi/nerve", "/reload", "/ohif/", "/docs", "/openapi.json"]
)
def test_what_no_viewer_here_needs_does_not_exist(server: LabelServer, address: str) -> None:
    assert {server.call(method, address).status for method in ("GET", "POST", "PUT")} <= {404, 405}


VALUED_BADLY: tuple[tuple[Any, str], ...] = (
    ('{"image": "/etc/hostname"}', "must not hold 'image'"),
    ('{"model": "breast"}', "must not hold 'model'"),
    ('{"save_label": true}', "must not hold 'save_label'"),
    ("{", "not JSON"),
    ("[1]", "send an object"),
    ('{"frame": -1}', "frame -1"),
    ('{"frame": 1}', "no frame 1"),
    ('{"frame": true}', "frame True"),
    ('{"spacing_mm": 0}', "spacing"),
    ('{"spacing_mm": [1, 2, 3]}', "spacing"),
    ('{"spacing_mm": "wide"}', "spacing"),
    ('{"result_extension": ".jpg"}', "result_extension '.jpg'"),
    ('{"result_extension": "/../../x.png"}', "result_extension"),
    ('{"result_dtype": "float32"}', "result_dtype 'float32'"),
    ('{"output": "dicom_seg"}', "output 'dicom_seg'"),
)


@pytest.mark.parametrize(("params", "reason"), VALUED_BADLY)
def test_wrong_values_of_an_inference_are_422(server: LabelServer, params: str, reason: str) -> None:
    answer = server.infer("nerve", "nerve_0", params=params)
    assert answer.status == 422 and reason in answer.detail


@pytest.mark.parametrize(
    ("address", "body", "reason"),
    [
        ("/train/nerve", {"max_epochs": 0}, "max_epochs 0"),
        ("/train/nerve", {"max_epochs": "many"}, "max_epochs 'many'"),
        ("/train/nerve", {"epochs": 5}, "unknown value 'epochs'"),
        ("/train/nerve", {"run": "$__import__('os').abort()"}, "unknown value 'run'"),
        ("/scoring/dice", {"model": "nope"}, "model 'nope'"),
        ("/scoring/dice", {"y": "final"}, "unknown value 'y'"),
        ("/batch/infer/nerve?images=some", {}, "images 'some'"),
        ("/batch/infer/nerve", {"label_tag": "final"}, "label_tag 'final'"),
        ("/activelearning/random", {"model": 3}, "model 3"),
    ],
)
def test_wrong_values_of_tasks_are_422(server: LabelServer, address: str, body: Any, reason: str) -> None:
    answer = server.call("POST", address, body=body)
    assert answer.status == 422 and reason in answer.detail


def test_broken_images_are_refused_and_the_server_lives_on(server: LabelServer, studies: Path) -> None:
    whole = (studies / "nerve_0.png").read_bytes()
    for name, content in (("a.png", b"no image"), ("a.png", whole[: len(whole) // 2]), ("a.dcm", b""), ("..\\..\\a.png", b"\0" * 200)):
        answer = server.infer("nerve", file=(name, content))
        assert answer.status == 422, (name, answer.body)
    assert server.infer("nerve").status == 422
    assert server.infer("nerve", "nerve_0").status == 200


def test_twenty_at_once_and_info_answers_meanwhile(server: LabelServer, predictors: Mapping[str, Predictor], studies: Path) -> None:
    expected = {task: predictors[task].predict(studies / f"{task}_0.png").mask for task in PHANTOMS}
    work = [task for task in PHANTOMS for _ in range(5)]
    with ThreadPoolExecutor(len(work)) as pool:
        answers = [pool.submit(server.infer, task, f"{task}_0", "image") for task in work]
        waited = []
        while not all(answer.done() for answer in answers):
            begun = time.perf_counter()
            assert server.call("GET", "/info/").status == 200
            waited.append(time.perf_counter() - begun)
    for task, answer in zip(work, answers, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.result().body))), expected[task])
    assert len(waited) > 2 and np.median(waited) < 0.3  # the bar for every single one is the benchmark's, on a quiet machine


def test_an_upload_is_stored_once_and_never_over_another(server: LabelServer, studies: Path) -> None:
    one, other = pillow_bytes(bytes_of(PHANTOMS["nerve"](8)), "PNG"), pillow_bytes(bytes_of(PHANTOMS["nerve"](9)), "PNG")

    def put(content: bytes, path: str = "/datastore/image", name: str = "uploaded") -> Answer:
        return server.call("PUT", path, query={"image": name}, params={}, files={"file": ("/tmp/xyz.png", content)})

    assert put(one, "/datastore/").json == {"image": "uploaded"}
    assert server.submit("uploaded", png(mask_of("nerve", 8)), {"model": "nerve"}).status == 200
    assert put(one).json == {"image": "uploaded"}
    refused = put(other)
    assert refused.status == 409 and "another file of this name" in refused.detail
    assert (studies / "uploaded.png").read_bytes() == one
    assert server.call("GET", "/datastore/label/info", query={"label": "uploaded", "tag": "final"}).json["task"] == "nerve"
    for name in ("../evil", "a/b", ".hidden", "C:evil"):
        assert put(one, name=name).status == 422, name
    assert put(b"no image", name="broken").status == 422
    assert sorted(path.name for path in studies.parent.iterdir()) == ["outside.png", "studies", "studies.log"]
    assert server.call("DELETE", "/datastore/", query={"id": "uploaded"}).status == 200
    assert server.infer("nerve", "uploaded").status == 404


def sent_forms(mask: MaskArray) -> dict[str, tuple[tuple[str, bytes], Any]]:
    """A label as each viewer sends it: 2-D and 3-D NIfTI, NRRD as ITK writes it, PNG with 1 and with 255."""
    from tests.imaging.samples import itk_bytes

    slicer = nibabel.Nifti1Image(np.ascontiguousarray(mask.T[..., None]), np.diag([-1.0, -1.0, 1.0, 1.0]))
    segments = [{"name": name, "idx": value} for value, name in enumerate(("fetal head", "nerve", "lesion", "left ventricle cavity"), 1)]
    return {
        "png": (png(mask), {"model": "nerve"}),
        "png 255": (png(mask * 255), {"model": "nerve"}),
        "nifti 2-D": (("a.nii", nifti_bytes(mask)), {"model": "nerve"}),
        "nifti 3-D": (("a.nii.gz", slicer.to_bytes()), {"label_info": [{"name": "nerve", "idx": 1}]}),
        "slicer with all segments": (png(mask * 2), {"label_info": segments}),
        "nrrd": (("a.nrrd", itk_bytes(mask[None], ".nrrd", spacing_mm=(1, 1, 1), compress=True)), {"model": "nerve"}),
    }


def test_every_form_of_a_label_is_stored_on_the_grid_of_the_image(server: LabelServer, studies: Path) -> None:
    mask = mask_of("nerve", 0)
    for form, (label, params) in sent_forms(mask).items():
        answer = server.submit("nerve_0", label, params)
        assert answer.status == 200, (form, answer.body)
        assert np.array_equal(read_mask(studies / "labels" / "final" / "nerve_0.png" / "0000.png"), mask), form
    stored = server.call("GET", "/datastore/label", query={"label": "nerve_0", "tag": "final"})
    assert 'filename="nerve_0.nrrd"' in stored.headers["content-disposition"]  # 3D Slicer loads what comes from here, too
    assert np.array_equal(read_mask(stored.body), mask)
    assert not list((studies / ".usseg_label" / "tmp").glob("sent-*"))  # nothing is left of what was sent


REFUSED_LABELS: tuple[tuple[str, Any, Any, str], ...] = (
    ("another size", lambda mask: png(mask[1:]), {"model": "nerve"}, "419 rows x 580 columns, its image 420 x 580"),
    ("turned", lambda mask: png(mask.T), {"model": "nerve"}, "580 rows x 420 columns"),
    ("no image", lambda mask: ("a.png", b"no image"), {"model": "nerve"}, "cannot be read"),
    ("lossy", lambda mask: ("a.jpg", pillow_bytes(mask * 255, "JPEG")), {"model": "nerve"}, "a jpeg file"),
    ("probability", lambda mask: ("a.nii", nifti_bytes(mask * np.float32(0.7))), {"model": "nerve"}, "not whole numbers"),
    ("unknown value", lambda mask: png(mask * 3), {"model": "nerve"}, "the label holds 3"),
    ("two values", lambda mask: png(mask + 2 * (np.arange(580) < 20)), {"model": "nerve"}, "the label holds"),
    ("unknown segment", lambda mask: png(mask), {"label_info": [{"name": "spleen", "idx": 1}]}, "1 (spleen)"),
    ("wrong names", png, {"label_info": "nerve"}, "label_info"),
    (
        "two tasks",
        lambda mask: png(mask + 2 * (np.arange(580) < 20)),
        {"label_info": [{"name": "nerve"}, {"name": "lesion"}]},
        "breast and nerve",
    ),
    ("no task", png, {}, "does not say its task"),
    ("unknown task", png, {"model": "liver"}, "model 'liver'"),
    ("a class without classes", png, {"model": "nerve", "class": "benign"}, "class 'benign'"),
    ("slices", lambda mask: ("a.nii", nifti_bytes(np.stack([mask] * 3, -1))), {"model": "nerve"}, "3 slices, its image 1"),
    ("a frame that is not there", png, {"model": "nerve", "frame": 1}, "no frame 1"),
)


@pytest.mark.parametrize(("make", "params", "reason"), [case[1:] for case in REFUSED_LABELS], ids=[case[0] for case in REFUSED_LABELS])
def test_labels_that_do_not_fit_are_refused_with_the_reason(
    server: LabelServer, studies: Path, make: Any, params: Any, reason: str
) -> None:
    answer = server.submit("nerve_1", make(mask_of("nerve", 1)), params)
    assert answer.status == 422 and reason in answer.detail, answer.detail
    assert not (studies / "labels" / "final" / "nerve_1.jpg").exists()
    assert not list((studies / ".usseg_label" / "tmp").glob("sent-*"))  # nothing is left of what was sent


@pytest.mark.parametrize("tag", ["../../evil", "/tmp/evil", "mine"])
def test_a_label_goes_nowhere_else(server: LabelServer, studies: Path, tag: str) -> None:
    before = sorted(studies.parent.rglob("*"))
    assert server.submit("nerve_1", png(mask_of("nerve", 1)), {"model": "nerve"}, tag).status == 404
    assert sorted(studies.parent.rglob("*")) == before


@pytest.mark.timeout(900)  # trainings are the only tests here that take long where other programs run beside them
def test_the_loop(server: LabelServer, studies: Path) -> None:
    """Next sample, label, train, infer again, score: for each task."""
    released = {task: sha256_of(bundle_path(task) / "models" / "model.pt") for task in TASKS}
    _wait_for_scores(server)
    first = server.call("POST", "/activelearning/least_confident", body={}).json
    sure = {(task, seed): server.infer(task, f"{task}_{seed}", "json").json["confidence"] for task in TASKS for seed in range(3)}
    task, seed = min(sure, key=lambda image: sure[image])
    assert first["id"] == f"{task}_{seed}" and first["model"] == task
    for task in TASKS:
        proposed = server.call("POST", "/activelearning/least_confident", body={"model": task, "client_id": "x"}).json
        others = server.call("POST", "/activelearning/unlike", body={"model": task}).json
        for sample in filter(None, (proposed, others)):
            assert sample["model"] == task and (studies / sample["name"]).is_file()
            assert sample["confidence"] is not None and (sample["unlikeness"] <= 1) == (sample is proposed)
        classes = {"class": "benign"} if TASKS[task].classes else {}
        for seed in range(3):
            answer = server.submit(f"{task}_{seed}", png(mask_of(task, seed)), {"model": task, **classes})
            assert answer.status == 200, answer.body
        started = server.call("POST", f"/train/{task}?enqueue=true", body={"max_epochs": 1})
        assert started.status == 200 and started.json["status"] in ("SUBMITTED", "RUNNING")
    assert server.call("POST", "/train/nerve", body={}).status == 429
    assert server.call("POST", "/activelearning/random", body={}).json == {}  # every image has its label
    assert server.submit("nerve_0", png(mask_of("nerve", 0)), {"model": "breast", "class": "benign"}).status == 409
    assert server.call("GET", "/datastore/").json["completed"] == len(TASKS) * 3

    server.wait("/train/", 700)
    tasks = server.call("GET", "/train/", query={"all": "true"}).json
    assert [task["status"] for task in tasks] == ["DONE"] * len(TASKS), [task["details"] for task in tasks]
    for task, done in zip(TASKS, tasks, strict=True):
        said = " ".join(done["details"])
        assert f"{task}: trained on " in said and "; validation Dice 0." in said
        stats = server.call("GET", "/info/").json["train_stats"][task]
        assert stats["training"] + stats["validation"] == 3
        assert stats["kept"] == (stats["dice_after"] >= stats["dice_before"]) and ("in use" in stats["message"])
        numbers = server.infer(task, f"{task}_0", "json").json
        assert numbers["weights"] == stats["version"] == int(stats["kept"])
        assert numbers["confidence"] is not None
    assert {task: sha256_of(bundle_path(task) / "models" / "model.pt") for task in TASKS} == released

    assert server.call("POST", "/scoring/dice", body={}).status == 200
    assert server.call("POST", "/batch/infer/fetal_head", body={"multi_gpu": True, "device": "cuda"}).status == 200
    scored = server.wait("/scoring/", 120)
    assert scored["status"] == "DONE", scored
    result = json.loads((studies / ".usseg_label" / "scoring.json").read_text())
    assert {task: found["labels"] for task, found in result.items()} == dict.fromkeys(TASKS, 3)
    assert all(found["dice"] > 0.7 for found in result.values()), result
    batch = server.wait("/batch/infer", 120)
    assert batch["status"] == "DONE", batch
    objects = server.call("GET", "/datastore/", query={"output": "all"}).json["objects"]
    predicted = {image: found["labels"]["original"]["info"] for image, found in objects.items() if "original" in found["labels"]}
    assert predicted and all(image.startswith("fetal_head") for image in predicted)
    assert all(info["params"]["label_names"] == {"fetal head": 1} for info in predicted.values())
    assert server.call("GET", "/datastore/label", query={"label": next(iter(predicted)), "tag": "original"}).status == 200


def test_the_addresses_of_the_page_exist(server: LabelServer) -> None:
    page = (REPOSITORY / "docs" / "label.md").read_text(encoding="utf-8")
    named = re.findall(r"`(GET|POST|PUT|DELETE) (/[^`,]*)`", page)
    assert len(named) >= 10
    for method, address in named:
        answer = server.call(method, address.replace("MODEL", "nope").replace("ID", "nope"))
        assert answer.status != 405 and b'"detail":"Not Found"' not in answer.body, (method, address)


def _wait_for_scores(server: LabelServer) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = [server.call("POST", "/activelearning/random", body={}).json for _ in range(5)]
        if all(sample["status"] != "not scored yet" for sample in found):
            return
        time.sleep(0.5)
    raise AssertionError("images were not scored within a minute")


def test_a_key_is_wanted_where_it_was_asked_for(need_label_environment: None, studies: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "benign (1).png").write_bytes((studies / "breast_0.png").read_bytes())
    with serving(folder, models=["breast"], key="geheim") as (server, process):
        assert list(server.call("GET", "/info/").json["models"]) == ["breast"]
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic geheim"}):
            assert server.call("GET", "/info/", headers=headers).status == 401
        stranger = LabelServer(server.port)
        assert stranger.infer("breast", "benign (1)").status == 401
        assert stranger.call("GET", "/auth/").json["enabled"] is True
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert stranger.call("POST", "/auth/token", headers=form).status == 401
        assert server.infer("breast", "benign (1)").status == 200
        assert server.call("GET", "/info/", headers={"Host": "evil.example"}).status == 421
        assert server.call("GET", "/info/", headers={"Origin": "http://evil.example"}).status == 403
        assert server.call("POST", "/infer/breast", headers={"Content-Length": str(1 << 30)}).status == 413
        process.terminate()
        process.wait(15)
