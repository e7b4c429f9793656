"""The second pass over a run: whatever became of it since."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.dicom.check import numbers, texts
from tests.dicom.runs import heads, picture, predict, save, stack
from tests.dicom.sources import SHAPE, US_FRAMES, blob, source, uid
from usseg_monai.dicom import run as module
from usseg_monai.dicom.run import make_run
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.shards import Shard


def written(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*.dcm"))}


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    predict("fetal_head", heads(tmp_path / "in"), tmp_path / "out")
    return tmp_path / "out"


def test_a_run_gets_its_objects_and_a_table_of_them(out: Path, tmp_path: Path) -> None:
    outcome = make_run(out, [tmp_path / "in"])
    assert list(written(out / "dicom")) == ["a_seg.dcm", "a_sr.dcm", "b_seg.dcm", "b_sr.dcm", "none_sr.dcm"]
    assert outcome.sources == 3 and not outcome.failed and not outcome.skipped and not outcome.corrected
    rows = table(out / "dicom" / "objects.csv")
    assert [(row["file"], row["kind"], row["source"]) for row in rows[:2]] == [("a_seg.dcm", "seg", "a"), ("a_sr.dcm", "sr", "a")]
    for row in rows:
        assert pydicom.dcmread(out / "dicom" / row["file"]).SOPInstanceUID == row["sop_instance_uid"]
    said = pydicom.dcmread(out / "dicom" / "a_sr.dcm")
    result = table(out / "results.csv")[0]
    assert numbers(said)["Head Circumference"] == (float(result["head_circumference_mm"]), "mm")
    assert numbers(said)["Expected Dice of the mask"] == (0.9375, "1")
    mask = np.asarray(Image.open(out / "masks" / "a.png")) > 0
    assert (pydicom.dcmread(out / "dicom" / "a_seg.dcm").pixel_array == mask).all()


def test_doing_it_again_gives_the_same_bytes_and_removes_what_is_not_made(out: Path, tmp_path: Path) -> None:
    make_run(out, [tmp_path / "in"])
    before = written(out / "dicom")
    (out / "dicom" / "mine.dcm").write_bytes(b"kept")
    (out / "dicom" / ".0123456789abcdef.dcm").write_bytes(b"of a killed process")
    make_run(out, [tmp_path / "in"], ["sr"])
    after = written(out / "dicom")
    assert after == {name: data for name, data in before.items() if "_sr" in name} | {"mine.dcm": b"kept"}


def test_a_new_run_removes_the_objects_of_the_old_one(out: Path, tmp_path: Path) -> None:
    make_run(out, [tmp_path / "in"])
    predict("fetal_head", tmp_path / "in", out)
    assert not (out / "dicom").exists()


def test_objects_of_a_run_are_no_inputs_of_another(out: Path, tmp_path: Path) -> None:
    make_run(out, [tmp_path / "in"])
    shutil.copytree(out, tmp_path / "in" / "out")
    assert predict("fetal_head", tmp_path / "in", tmp_path / "again").done == 3


def test_after_resume_and_for_merged_shards_the_objects_are_those_of_one_run(out: Path, tmp_path: Path) -> None:
    make_run(out, [tmp_path / "in"])
    whole = written(out / "dicom")
    for number in (1, 2):
        predict("fetal_head", tmp_path / "in", tmp_path / f"shard{number}", shard=Shard(number, 2))
    merge_shards([tmp_path / "shard1", tmp_path / "shard2"], tmp_path / "merged")
    predict("fetal_head", tmp_path / "in", tmp_path / "resumed", resume=True)
    predict("fetal_head", tmp_path / "in", tmp_path / "resumed", resume=True)
    for place in ("merged", "resumed"):
        make_run(tmp_path / place, [tmp_path / "in"])
        found = written(tmp_path / place / "dicom")
        uids = [{name: pydicom.dcmread(folder / "dicom" / name).SOPInstanceUID for name in whole} for folder in (out, tmp_path / place)]
        assert found.keys() == whole.keys() and uids[0] == uids[1]


def test_a_mask_corrected_by_hand_is_measured_again(out: Path, tmp_path: Path) -> None:
    make_run(out, [tmp_path / "in"])
    before = written(out / "dicom")
    Image.fromarray(blob(SHAPE, 60, 80, 30, 40) * np.uint8(255)).save(out / "masks" / "a.png")
    outcome = make_run(out, [tmp_path / "in"])
    assert outcome.corrected == ["a"] and written(out / "dicom")["b_sr.dcm"] == before["b_sr.dcm"]
    said = pydicom.dcmread(out / "dicom" / "a_sr.dcm")
    assert abs(numbers(said)["Biparietal Diameter"][0] - 29) < 0.5
    assert "Mask corrected by hand" in [str(item.ConceptNameCodeSequence[0].CodeMeaning) for item in all_items(said)]
    assert "Expected Dice of the mask" not in numbers(said)  # the network did not see it like this


def all_items(dataset: pydicom.Dataset) -> list[pydicom.Dataset]:
    from tests.dicom.check import items

    return list(items(dataset))


def test_sources_are_found_by_their_path_or_by_name_and_size(out: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        make_run(out, [tmp_path / "gone"])
    outcome = make_run(out, [])
    assert set(outcome.failed) == {"a", "b", "none"} and "name the files or folders" in outcome.failed["a"]
    assert not outcome.objects and not (out / "dicom").exists()
    shutil.move(tmp_path / "in", tmp_path / "moved")
    assert make_run(out, [tmp_path / "moved"]).sources == 3
    (tmp_path / "moved" / "a.dcm").write_bytes(b"another file")
    assert set(make_run(out, [tmp_path / "moved"]).failed) == {"a"}


def test_a_run_that_recorded_paths_needs_no_sources(tmp_path: Path) -> None:
    predict("fetal_head", heads(tmp_path / "in"), tmp_path / "out", absolute=True)
    assert make_run(tmp_path / "out", []).sources == 3


def test_what_cannot_be_used_is_said_and_the_rest_is_made(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (out / "masks" / "b.png").unlink()
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(out / "masks" / "none.png")
    outcome = make_run(out, [tmp_path / "in"])
    assert "its mask b.png is missing" in outcome.failed["b"] and "the mask has 40 x 40 pixels" in outcome.failed["none"]
    assert outcome.sources == 1

    def broken(*arguments: object, **more: object) -> None:
        raise KeyError("something\nin a header")

    monkeypatch.setattr(module, "make_objects", broken)
    assert "no objects can be made of its header ('something" in make_run(out, [tmp_path / "in"]).failed["a"]


def test_pictures_that_are_not_dicom_and_failed_rows_are_skipped(tmp_path: Path) -> None:
    heads(tmp_path / "in")
    Image.fromarray(blob(SHAPE, 60, 80, 40, 52) * np.uint8(200)).save(tmp_path / "in" / "c.png")
    (tmp_path / "in" / "d.dcm").write_bytes(bytes(128) + b"DICM" + bytes(40))
    predict("fetal_head", tmp_path / "in", tmp_path / "out")
    outcome = make_run(tmp_path / "out", [tmp_path / "in"])
    assert outcome.sources == 3 and sum(outcome.skipped.values()) == 2 and not outcome.failed
    assert any(reason.startswith("not a DICOM file") for reason in outcome.skipped)


def test_frames_of_a_file_make_one_set_of_objects(tmp_path: Path) -> None:
    film = source(US_FRAMES, "cine", frames=4)
    masks = [blob(SHAPE, 60, 80 + frame, 40, 52) * np.uint8(frame > 0) for frame in range(4)]
    save(picture(np.stack(masks), film), tmp_path / "in" / "cine.dcm")
    predict("fetal_head", tmp_path / "in", tmp_path / "out", spacing_mm=0.5, save=("mask", "probability"))
    assert make_run(tmp_path / "out", [tmp_path / "in"], seg="fractional").sources == 1
    seg = pydicom.dcmread(tmp_path / "out" / "dicom" / "cine_seg.dcm")
    assert seg.NumberOfFrames == 3 and seg.pixel_array.max() == 204 and (seg.pixel_array == 204)[0].sum() == masks[1].sum()


@pytest.mark.parametrize(("phases", "count"), [("ed,es", 2), ("all", 3)])
def test_a_stack_gets_a_segmentation_for_each_phase_and_one_report(phases: str, count: int, tmp_path: Path) -> None:
    predict("left_ventricle", stack(tmp_path / "in" / "heart"), tmp_path / "out")
    outcome = make_run(tmp_path / "out", [tmp_path / "in"], phases=phases)
    assert outcome.sources == 1 and not outcome.failed
    names = list(written(tmp_path / "out" / "dicom"))
    assert len(names) == count + 1 and {"heart_seg_end_diastole.dcm", "heart_seg_end_systole.dcm", "heart_sr.dcm"} <= set(names)
    said = pydicom.dcmread(tmp_path / "out" / "dicom" / "heart_sr.dcm")
    study = table(tmp_path / "out" / "studies.csv")[0]
    assert numbers(said)["Left Ventricular ED Volume"] == (float(study["end_diastolic_volume_ml"]), "ml")
    assert numbers(said)["Left ventricular ejection fraction by MR"] == (float(study["ejection_fraction_percent"]), "%")
    assert "left ventricle cavity, end diastole, slice 3" in texts(said)
    diastole = pydicom.dcmread(tmp_path / "out" / "dicom" / "heart_seg_end_diastole.dcm")
    assert int(diastole.pixel_array.sum()) == sum(int(blob((64, 64), 32, 30, radius, radius).sum()) for radius in (9, 18, 16, 6))


def test_an_anonymized_stack_is_cured_and_the_cures_are_counted(tmp_path: Path) -> None:
    folder = stack(tmp_path / "in" / "heart", StudyDate="20120000")
    for number, file in enumerate(sorted(folder.iterdir())):
        elements = pydicom.dcmread(file)
        elements.FrameOfReferenceUID = uid("own", number)
        elements.save_as(file)
    predict("left_ventricle", tmp_path / "in", tmp_path / "out")
    outcome = make_run(tmp_path / "out", [tmp_path / "in"])
    assert not outcome.failed and outcome.cures == {
        "StudyDate is no date: left empty": 1,
        "one frame of reference for the slices of a series in place of one for each file": 1,
    }
    seg = pydicom.dcmread(tmp_path / "out" / "dicom" / "heart_seg_end_systole.dcm")
    assert "frame of reference" in seg.ContentDescription and seg.StudyDate == ""


def test_slices_without_an_order_are_files_of_their_own(tmp_path: Path) -> None:
    folder = stack(tmp_path / "in" / "heart")
    for file in list(folder.iterdir()):
        if not file.name.endswith("0.dcm"):
            file.unlink()  # one phase is left: there is neither end diastole nor end systole
    predict("left_ventricle", tmp_path / "in", tmp_path / "out")
    assert make_run(tmp_path / "out", [tmp_path / "in"]).sources == 4


def test_wrong_use_is_refused(out: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="phases 'es': must be ed,es or all"):
        make_run(out, [tmp_path / "in"], phases="es")
    with pytest.raises(UsageError, match="cannot make 'x'"):
        make_run(out, [tmp_path / "in"], ["x"])
    with pytest.raises(UsageError, match="--save mask,probability"):
        make_run(out, [tmp_path / "in"], seg="fractional")
    with pytest.raises(OutputError, match="not a run record"):
        make_run(tmp_path / "in", [])
    (out / "accounts.jsonl").unlink()
    with pytest.raises(OutputError, match="no accounts of a run"):
        make_run(out, [tmp_path / "in"])


def test_a_link_in_place_of_the_folder_is_not_followed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (out / "dicom").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"):
        make_run(out, [tmp_path / "in"])


def test_measurements_of_given_masks_are_not_the_run(out: Path, tmp_path: Path) -> None:
    from usseg_monai.runs.options import Options
    from usseg_monai.runs.run import run_batch

    run_batch("fetal_head", [out / "masks"], tmp_path / "measured", Options(save=()), given_masks=True)
    with pytest.raises(UsageError, match="give the folder of the run that made them"):
        make_run(tmp_path / "measured", [out / "masks"])
