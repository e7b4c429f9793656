"""What earlier runs left in an output folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.inference.conftest import ellipse, save_picture
from tests.inference.test_left_ventricle_study import write_cine
from usseg_monai.errors import OutputError
from usseg_monai.inference.batch import Options, Summary, run_batch
from usseg_monai.inference.earlier import refuse_foreign_results, remove_output
from usseg_monai.inference.journal import open_journal

PICTURE = ellipse() * np.uint8(255)


def measure(out: Path, source: Path, task: str = "fetal_head", save: tuple[str, ...] = ("mask", "overlay"), **options: object) -> Summary:
    return run_batch(task, [source], out, Options(save=save, threads=2, **options), given_masks=True)  # type: ignore[arg-type]


def files(folder: Path) -> set[str]:
    """All that is there but the accounts."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() and path.name[0] != "."} - {"run.json"}


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Images of a first run: one of them with frames, one in a folder."""
    folder = tmp_path / "first"
    save_picture(folder / "a.png", PICTURE)
    save_picture(folder / "deep/b.png", PICTURE)
    Image.fromarray(PICTURE).save(folder / "cine.tif", save_all=True, append_images=[Image.fromarray(PICTURE)] * 2)
    return folder


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Images of a second run: one has the name of one of the first."""
    save_picture(tmp_path / "second/a.png", PICTURE)
    save_picture(tmp_path / "second/z.png", PICTURE)
    return tmp_path / "second"


@pytest.mark.parametrize("resume", [False, True])
def test_a_used_folder_holds_only_what_the_last_run_made(resume: bool, first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first, "breast", save=("mask", "overlay", "probability"))
    assert len(files(out)) == 3 * 5 + 2
    measure(out, second, save=("mask",), resume=resume)
    assert files(out) == {"results.csv", "masks/a.png", "masks/z.png"} and not (out / "masks/deep").exists()


def test_what_no_run_wrote_stays(first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first)
    mine = [out / name for name in ("notes.txt", "masks/mine.png", "masks/deep/b_corrected.png", "masks/a.tif", "overlays/.0123.png")]
    for file in mine:
        file.write_text("mine")
    measure(out, second)
    assert [file.read_text() for file in mine] == ["mine"] * 5
    assert not (out / "masks/deep/b.png").exists() and not (out / "masks/cine_frame001.png").exists()


def test_a_file_that_fails_now_leaves_no_mask_of_before(first: Path, tmp_path: Path) -> None:
    for resume in (False, True):
        out = tmp_path / f"out{resume}"
        measure(out, first)
        backup = (first / "cine.tif").read_bytes()
        (first / "cine.tif").write_bytes(backup[:100])
        assert measure(out, first, resume=resume).failed == 1
        (first / "cine.tif").write_bytes(backup)
        assert not [name for name in files(out) if "cine" in name] and (out / "masks/a.png").exists()


def test_what_a_killed_run_had_begun_is_known(first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first)
    journal = out / ".journal.jsonl"
    journal.write_bytes(b"".join(line for line in journal.read_bytes().splitlines(True) if not line.startswith(b'{"key"')))
    (out / "run.json").unlink()
    measure(out, second)
    assert files(out) == {"results.csv", *(f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in "az")}


def test_half_of_a_folder_is_made_again(first: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first)
    whole = files(out)
    for lost in ("masks", "results.csv", "run.json", ".journal.jsonl"):
        shutil.rmtree(out / lost) if lost == "masks" else (out / lost).unlink()
        assert measure(out, first, resume=True).failed == 0
        assert files(out) == whole


def test_studies_of_before_are_removed_and_nothing_else(second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_cine(tmp_path / "cine/p1")
    measure(out, tmp_path / "cine", "left_ventricle", save=())
    assert {"studies.csv", "studies/p1_areas.csv", "studies/p1_volume.png"} <= files(out)
    (out / "studies/mine_areas.csv").write_text("area of the room\n12\n")
    measure(out, second, save=())
    assert files(out) == {"results.csv", "studies/mine_areas.csv"}


def test_names_in_a_damaged_journal_do_not_lead_out_of_the_folder(second: Path, tmp_path: Path) -> None:
    out, precious = tmp_path / "out", save_picture(tmp_path / "precious.png")
    with open_journal_of(out) as journal:
        for name in ("../../precious", str(tmp_path / "precious")):
            journal.write(f'{{"begun": "{name}"}}\n')
    measure(out, second)
    assert precious.exists()


def open_journal_of(out: Path):  # type: ignore[no-untyped-def]
    out.mkdir()
    with open_journal(out, "digest", resume=False):
        return (out / ".journal.jsonl").open("a")


def test_frames_of_unknown_number_are_found(tmp_path: Path) -> None:
    for name in ("cine_frame000", "cine_frame063", "cine_frame1000", "cinema", "cine"):
        save_picture(tmp_path / f"masks/{name}.png")
    assert remove_output(tmp_path, "cine") and not remove_output(tmp_path, "cine")
    assert files(tmp_path) == {"masks/cinema.png", "masks/cine_frame1000.png"}


def test_files_of_another_origin_are_not_overwritten(second: Path, tmp_path: Path) -> None:
    for name in ("masks/1.png", "results.csv", "lesions.csv", "studies.csv", "studies/x.csv", "run.json"):
        out = tmp_path / name.replace("/", "-")
        save_picture(out / "masks/x.png").rename(out / "x.png")
        (out / "masks").rmdir()
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text("mine")
        with pytest.raises(OutputError, match="give another output folder"):
            measure(out, second)
        assert (out / name).read_text() == "mine" and not (out / ".lock").exists()


def test_links_among_the_results_are_refused(first: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".0123456789abcdef.png").touch()
    for place in ("masks", "masks/deep", "studies", ".lock"):
        out = tmp_path / "out"
        measure(out, first)
        if (out / place).is_dir():
            shutil.rmtree(out / place)
        (out / place).unlink(missing_ok=True)
        (out / place).symlink_to(elsewhere)
        with pytest.raises(OutputError, match="is a link") as caught:
            measure(out, first)
        assert "\n" not in str(caught.value) and [file.name for file in elsewhere.iterdir()] == [".0123456789abcdef.png"]
        shutil.rmtree(out)


def test_temporary_files_of_others_stay(second: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.0123456789abcdef.png").touch()
    refuse_foreign_results(tmp_path / "out", ["mask"])
    measure(tmp_path / "out", second)
    assert (tmp_path / "out/.0123456789abcdef.png").exists()
