"""The page without a server: what is written, and in a real browser what it finds, measures and takes away, also without a network."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import http.server
import io
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image

from tests.web.conftest import SCHEMES, WINDOWS, check_usable, in_browser, window
from usseg_monai.cli import main
from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.imaging import read_frames, read_image, read_mask
from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask
from usseg_monai.predict.predictor import Predictor
from usseg_monai.report.words import DISCLAIMER
from usseg_monai.tasks import TASKS, load
from usseg_monai.tasks.showcase import Sample
from usseg_monai.web import export
from usseg_monai.web.export import RUNTIME, RUNTIME_SHA256, SERVERLESS, export_page, exported_tasks
from usseg_monai.web.facts import STATIC
from usseg_monai.web.single_file import single_file

WAIT_MS = 120_000
MOST_DIFFERENT = 5e-4  # share of pixels: of 8 bits, which round otherwise in another runtime here and there
RELATIVE = 1e-9
TRUST_ABSOLUTE = 0.02


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("export") / "page"
    assert main(["app", "--export", str(found)]) == 0
    return found


@pytest.fixture(scope="module")
def single_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("single") / "files"
    assert main(["app", "--export", str(found), "--single-file"]) == 0
    return found


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    found = context.new_page()
    wrong, foreign = list[str](), list[str]()
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    found.on("request", lambda request: foreign.append(request.url) if not request.url.startswith((address, "blob:", "data:")) else None)
    found.goto(address)
    found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
    yield found
    context.close()
    assert not wrong and not foreign


def take(page: Any, kind: str) -> bytes:
    with page.expect_download() as coming:
        page.click(f"#take-{kind}")
    return Path(coming.value.path()).read_bytes()


def shown(page: Any, count: int = 1) -> None:
    page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    page.wait_for_selector("html[data-settled=true]", timeout=WAIT_MS)


def samples(task: str) -> list[Sample]:
    return [sample for group in load(TASKS[task].showcase).groups for sample in group.samples() if sample.name.endswith(".png")]


def test_tasks_whose_weights_must_not_be_passed_on_are_left_out(folder: Path) -> None:
    names = exported_tasks()
    kept_back = {name for name, task in TASKS.items() if not task.weights_redistributable}
    assert names and kept_back and not kept_back & set(names)
    assert {file.stem for file in (folder / "graphs").iterdir()} == set(names)
    assert not [file for file in folder.rglob("*") for name in kept_back if name in file.name]
    for name in names:
        assert hashlib.sha256((folder / "graphs" / f"{name}.onnx").read_bytes()).hexdigest() == TASKS[name].weights_sha256
        assert TASKS[name].weights_license in (folder / "LICENSES.txt").read_text()


def test_the_policy_allows_nothing_from_elsewhere(folder: Path) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', (folder / "index.html").read_text())
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'" and rules["script-src"] == "'self' 'wasm-unsafe-eval'" and rules["connect-src"] == "'self'"
    assert "program that you started" not in (folder / "index.html").read_text()


def test_all_files_are_kept_for_work_without_a_network(folder: Path) -> None:
    version, files = (json.loads(line.partition(" = ")[2].rstrip(";")) for line in (folder / "files.js").read_text().splitlines())
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert set(files) == there - {"files.js", "offline.js"} | {"./"}
    assert re.fullmatch(r"usseg-[0-9a-f]{16}", version)


def test_the_runtime_is_the_released_one(folder: Path) -> None:
    for name, sha256 in RUNTIME_SHA256.items():
        assert hashlib.sha256((folder / "static" / "onnxruntime" / name).read_bytes()).hexdigest() == sha256
    assert "MIT License" in (folder / "static" / "onnxruntime" / "LICENSE").read_text()
    assert sum(file.stat().st_size for file in RUNTIME.iterdir()) < 5_000_000


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\xff\7"])
def test_a_runtime_that_is_cut_is_not_passed_on(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RUNTIME_SHA256:
        (tmp_path / f"{name}.gz").write_bytes(content)
    monkeypatch.setattr(export, "RUNTIME", tmp_path)
    with pytest.raises(WeightsError, match="install the package again"):
        export_page(tmp_path / "page")


def test_a_damaged_runtime_is_not_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "RUNTIME_SHA256", dict.fromkeys(RUNTIME_SHA256, "0" * 64))
    with pytest.raises(WeightsError, match="install the package again"):
        export_page(tmp_path / "page")
    assert not list(tmp_path.iterdir())


def test_the_page_says_which_tasks_it_does_not_have_and_why(folder: Path, single_files: Path) -> None:
    missing = [task.heading for task in TASKS.values() if not task.weights_redistributable]
    words = f"Not here, because their weights may not be passed on: {'; '.join(missing)}."
    assert json.loads((folder / "facts.json").read_text())["absent"] == words
    for file in single_files.glob("*.html"):  # the other tasks have files of their own
        parts = json.loads(file.read_text(encoding="utf-8").partition('id="parts">')[2].partition("</script>")[0])
        (facts,) = (part["data"] for part in parts if part["path"] == "facts.json")
        assert json.loads(gzip.decompress(base64.b64decode(facts)))["absent"] == words


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="give a new folder"):
        export_page(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_one_file_for_each_task_needs_no_other(single_files: Path) -> None:
    assert {file.stem for file in single_files.glob("*.html")} == set(exported_tasks())
    for file in single_files.glob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r'(src|href)="(?!#)', text.partition('id="parts"')[0])
        assert file.stat().st_size < 20_000_000


def test_a_single_file_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "--single-file"]) != 0
    assert "--export DIR" in capsys.readouterr().err


def test_modules_in_a_circle_are_refused() -> None:
    files = {"index.html": b"", "static/shades.css": b"", "static/page.css": b"", "static/a.js": b'import { b } from "./b.js";'}
    single_file(files | {"static/b.js": b""})
    with pytest.raises(UsageError, match="in a circle"):
        single_file(files | {"static/b.js": b'import { a } from "./a.js";'})


def test_both_forms_of_the_page_make_the_same_calls_but_for_what_this_one_does_not_write() -> None:
    forms = [STATIC / "api.js", SERVERLESS / "api.js"]
    names = [set(re.findall(r"^export (?:const|async function|class) (\w+)", form.read_text(), re.M)) for form in forms]
    assert names[0] - names[1] - {"Refused"} == {"sheet", "study"} and names[1] <= names[0]


class TestInTheBrowser:
    pytestmark = in_browser

    @pytest.mark.parametrize("task", exported_tasks())
    def test_masks_and_numbers_are_those_of_python(self, page: Any, task: str) -> None:
        predictor = Predictor(task)
        group = json.loads(page.evaluate("async () => (await fetch('facts.json')).text()"))["samples"]
        first = next(one for one in group if one["task"] == task)
        page.click(f'[data-sample="{task}/{first["group"]}"]')
        shown(page)
        page.wait_for_function(f"() => document.querySelectorAll('#strip button').length === {len(first['files'])}", timeout=WAIT_MS)
        shown(page)
        assert page.locator("#take-pdf").count() == 0
        records = json.loads(take(page, "json"))
        known = {sample.name: sample for sample in samples(task)}
        assert len(records) == len(first["files"])
        for number, record in enumerate(records):
            sample = known[record["file"]]
            wanted = predictor.predict(sample.content, spacing_mm=sample.spacing_mm)
            page.locator("#strip button").nth(number).click()
            mask = read_mask(take(page, "png"))
            different = np.count_nonzero((mask != 0) != (wanted.mask != 0))
            assert different <= MOST_DIFFERENT * mask.size
            assert record["status"] == wanted.status.value and record["confidence"] == pytest.approx(wanted.confidence, abs=TRUST_ABSOLUTE)
            again = TASKS[task].measure(mask, sample.spacing_mm).values  # Python's numbers of the very mask
            assert record["measurements"].keys() == again.keys()
            for name, value in again.items():
                assert record["measurements"][name] == (None if value is None else pytest.approx(value, rel=RELATIVE)), name

    def test_it_works_without_a_network_after_the_first_visit(self, browser: Any, address: str) -> None:
        context = browser.new_context()
        found = context.new_page()
        found.goto(address)
        found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
        found.evaluate("async () => { await navigator.serviceWorker.ready; }")
        context.set_offline(True)
        found.reload()
        found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
        found.click("[data-sample]")
        shown(found)
        assert found.locator("#panel dl div").count() > 0
        context.close()

    def test_a_graph_that_is_not_the_released_one_is_not_run(self, browser: Any, address: str) -> None:
        context = browser.new_context(service_workers="block")
        found = context.new_page()
        context.route("**/graphs/*.onnx", lambda route: route.fulfill(body=b"another graph"))
        found.goto(address)
        found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
        found.click("[data-sample]")
        found.wait_for_selector("html[data-state=error]", timeout=WAIT_MS)
        assert "damaged or not the released ones" in found.inner_text("#panel")
        context.close()

    @pytest.mark.parametrize("task", exported_tasks())
    def test_one_file_opens_from_a_disk(self, browser: Any, single_files: Path, task: str) -> None:
        context = browser.new_context()
        found = context.new_page()
        asked, wrong = list[str](), list[str]()
        found.on("request", lambda request: asked.append(request.url.split(":")[0]))
        found.on("pageerror", lambda error: wrong.append(str(error)))
        found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        found.goto((single_files / f"{task}.html").as_uri())
        found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
        found.click("[data-sample]")
        shown(found)
        sample = samples(task)[0]
        mask, wanted = read_mask(take(found, "png")), Predictor(task).predict(sample.content).mask
        assert np.count_nonzero((mask != 0) != (wanted != 0)) <= MOST_DIFFERENT * mask.size
        assert set(asked) <= {"file", "blob", "data"} and asked.count("file") == 1 and not wrong
        context.close()

    @pytest.mark.parametrize("name", ["grey.png", "rgb.png", "deep.png", "grey.bmp", "grey.dcm", "signed.dcm", "inverted.dcm"])
    def test_pixels_are_those_of_python(self, page: Any, name: str) -> None:
        content = picture(name)
        answer = decoded(page, name, content)
        images = list(read_frames(content))
        assert len(answer["frames"]) == len(images)
        for frame, image in zip(answer["frames"], images, strict=True):
            np.testing.assert_array_equal(pixels_of(frame), image.pixels)
            assert frame["spacing_mm"] == (None if image.spacing_mm is None else list(image.spacing_mm))

    def test_a_jpeg_is_read_as_python_does(self, page: Any) -> None:
        file = io.BytesIO()
        Image.fromarray(smooth()).save(file, "JPEG", quality=92)
        (frame,) = decoded(page, "grey.jpg", file.getvalue())["frames"]
        (image,) = read_frames(file.getvalue())
        np.testing.assert_allclose(pixels_of(frame), image.pixels, atol=1)

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("a.tif", b"II*\0" + bytes(200), "a TIFF file is not read here"),
            ("a.nii.gz", b"\x1f\x8b" + bytes(200), "a gzip (such as NIfTI) file is not read here"),
            ("a.txt", b"hello", "a file of this kind is not read here"),
            ("cut.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "1 to 40000000 pixels"),
            ("cut.dcm", bytes(128) + b"DICM" + b"\x02\0\x10\0UI\xff\0", "ends early"),
        ],
    )
    def test_what_is_not_read_is_said(self, page: Any, name: str, content: bytes, words: str) -> None:
        page.set_input_files("#files", [{"name": name, "mimeType": "", "buffer": content}])
        page.wait_for_selector("html[data-state=error]", timeout=WAIT_MS)
        assert words in page.inner_text("#reasons")

    def test_an_ellipse_is_corrected_by_keys(self, page: Any) -> None:
        page.click('[data-sample^="fetal_head/"]')
        shown(page)
        page.click('[data-tool="axes"]')
        handle = page.locator(".handles button").first
        handle.focus()
        handle.press("Shift+ArrowUp")
        page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
        assert "Corrected by hand" in page.inner_text("#panel")

    @pytest.mark.parametrize("size", WINDOWS)
    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_everybody_can_use_it(self, browser: Any, address: str, size: str, scheme: str) -> None:
        context = window(browser, size, scheme)
        found = context.new_page()
        found.goto(address)
        found.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)
        check_usable(found, "start")
        found.click('[data-sample^="fetal_head/"]')
        shown(found)
        found.click("#all summary")
        check_usable(found, "result")
        found.click('[data-tool="axes"]')
        found.locator(".handles button").nth(1).press("Shift+ArrowUp")
        found.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
        check_usable(found, "corrected")
        found.set_input_files("#files", [{"name": "x.tif", "mimeType": "", "buffer": b"II*\0" + bytes(200)}])
        found.wait_for_selector("#reasons p", timeout=WAIT_MS)
        check_usable(found, "error")
        context.close()

    @pytest.mark.parametrize("name", ["grey.dcm", "placed.dcm", "grey.png", "typed.png"])
    def test_masks_as_nifti_lie_where_those_of_python_do(self, page: Any, name: str, tmp_path: Path) -> None:
        nibabel = pytest.importorskip("nibabel")
        content = picture("grey.png" if name == "typed.png" else name)
        page.select_option("#task", "left_ventricle")
        page.set_input_files("#files", [{"name": name, "mimeType": "", "buffer": content}])
        shown(page)
        if name == "typed.png":
            page.fill("#spacing-down", "1")
            page.wait_for_selector("#spacing-source:text-is('Typed by hand')", timeout=WAIT_MS)
        if page.locator("#slider").is_visible():
            page.wait_for_selector("#busy:text-is('')", state="attached", timeout=WAIT_MS)
        page.click('[data-tool="brush"]')
        page.focus("#stage canvas")
        page.keyboard.press("Space")
        page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
        (tmp_path / "there.nii.gz").write_bytes(take(page, "nifti"))
        images = list(read_frames(content))
        spacing = (1.0, 1.0) if name == "typed.png" else images[0].spacing_mm
        rows, cols = images[0].pixels.shape
        masks = [np.zeros((rows, cols), np.uint8) for _ in images]
        grid = MaskGrid((rows, cols), 1, len(masks), spacing, images[0].place, images[0].place)
        write_nifti_mask(tmp_path / "here.nii.gz", grid, masks)
        there, here = (nibabel.load(tmp_path / f"{side}.nii.gz") for side in ("there", "here"))
        assert there.shape == here.shape and there.get_data_dtype() == here.get_data_dtype() == np.uint8
        assert there.header.get_zooms() == pytest.approx(here.header.get_zooms())
        assert there.header.get_xyzt_units() == here.header.get_xyzt_units()
        for found, wanted in (
            (there.get_qform(coded=True), here.get_qform(coded=True)),
            (there.get_sform(coded=True), here.get_sform(coded=True)),
        ):
            np.testing.assert_allclose(found[0], wanted[0], atol=1e-5)
            assert found[1] == wanted[1]
        mask = read_mask(take(page, "png"))
        volume = np.asarray(there.dataobj).reshape(*there.shape[:2], -1)
        np.testing.assert_array_equal(volume[..., 0].T != 0, mask != 0)
        assert mask.any()
        assert read_image(tmp_path / "there.nii.gz").spacing_mm == (None if spacing is None else pytest.approx(spacing, rel=1e-6))

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_a_picture_is_printed_on_one_sheet(self, browser: Any, address: str, scheme: str) -> None:
        context = window(browser, "desktop", scheme)
        found = context.new_page()
        found.goto(address)
        found.click('[data-sample^="fetal_head/"]')
        shown(found)
        found.evaluate("window.print = () => { window.printed = true; }")
        found.click("#take-print")
        assert found.evaluate("window.printed")
        for paper in ("A4", "Letter"):
            assert len(re.findall(rb"/Type /Page\b", found.pdf(format=paper))) == 1
        found.emulate_media(media="print")
        words = found.inner_text("body")
        assert all(
            text in words
            for text in (DISCLAIMER, "116_HC.png", "Head circumference", "Expected Dice", TASKS["fetal_head"].weights_sha256[:12])
        )
        assert "Open files" not in words and "Take away" not in words and found.locator("#stage canvas").is_visible()
        assert found.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        context.close()


def smooth() -> npt.NDArray[np.uint8]:
    rows, cols = np.mgrid[:90, :130]
    grey: npt.NDArray[np.uint8] = (127 + 100 * np.sin(rows / 17) * np.cos(cols / 23)).astype(np.uint8)
    return grey


def picture(name: str) -> bytes:
    rng = np.random.default_rng(3)
    file = io.BytesIO()
    if name.endswith(".dcm"):
        return dicom(name, rng)
    if name == "deep.png":
        image = Image.fromarray(
            rng.integers(0, 65536, (37, 53), np.uint16) // np.uint16(3) + np.arange(53, dtype=np.uint16) * np.uint16(400)
        )
    elif name == "rgb.png":
        image = Image.fromarray(rng.integers(0, 256, (37, 53, 3), np.uint8))
    else:
        image = Image.fromarray(smooth())
    image.save(file, name.rpartition(".")[2].upper())
    return file.getvalue()


def dicom(name: str, rng: np.random.Generator) -> bytes:
    from pydicom.dataset import Dataset, FileMetaDataset

    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian if name != "inverted.dcm" else pydicom.uid.ImplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = pydicom.uid.MRImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = pydicom.uid.generate_uid()
    inner = Dataset()
    inner.CodeValue = "1"
    found.ProcedureCodeSequence = [inner]
    found["ProcedureCodeSequence"].is_undefined_length = True
    found.Modality, found.PixelSpacing = "MR", [1.25, 0.75]
    if name == "placed.dcm":
        found.ImagePositionPatient, found.ImageOrientationPatient = [-12.5, 30.25, 7], [0.6, 0.8, 0, 0, 0, -1]
    found.Rows, found.Columns, found.SamplesPerPixel, found.NumberOfFrames = 21, 34, 1, 1 if name == "placed.dcm" else 2
    found.PhotometricInterpretation = "MONOCHROME1" if name == "inverted.dcm" else "MONOCHROME2"
    signed = name == "signed.dcm"
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, int(signed)
    size = (found.NumberOfFrames, 21, 34)
    values = rng.integers(-2048, 2048, size) if signed else rng.integers(0, 4096, size)
    found.PixelData = values.astype("<i2" if signed else "<u2").tobytes()
    file = io.BytesIO()
    pydicom.dcmwrite(file, found, enforce_file_format=True)
    return file.getvalue()


def decoded(page: Any, name: str, content: bytes) -> Any:
    return page.evaluate(
        """async ([name, content]) => {
          const { decoded } = await import(new URL("static/serverless/pictures.js", document.baseURI).href);
          const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
          const answer = await decoded(new File([bytes], name), { max_pixels: 4e7 });
          return { ...answer, frames: answer.frames.map((frame) => ({ ...frame, pixels: [...frame.pixels] })) };
        }""",
        [name, base64.b64encode(content).decode()],
    )


def pixels_of(frame: Any) -> npt.NDArray[np.float32]:
    return np.array(frame["pixels"], np.float32).reshape(frame["rows"], frame["cols"])
