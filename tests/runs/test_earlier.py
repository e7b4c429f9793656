"""What earlier runs left in an output folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tasks.left_ventricle.test_study import write_cine
from tests.tiny import ellipse, save_picture
from usseg_monai.errors import OutputError
from usseg_monai.runs.accounts import ACCOUNTS, open_accounts, read_accounts
from usseg_monai.runs.earlier import refuse_foreign_results, remove_output
from usseg_monai.runs.mask_origins import read_origins
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch

PICTURE = ellipse() * np.uint8(255)


def measure(out: Path, source: Path, task: str = "fetal_head", save: tuple[str, ...] = ("mask", "overlay"), **options: object) -> Summary:
    return run_batch(task, [source], out, Options(save=save, threads=2, **options), given_masks=True)  # type: ignore[arg-type]


def files(folder: Path) -> set[str]:
    """All that is there but the accounts."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() and path.name[0] != "."}
    return found - {"run.json", ACCOUNTS}


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
    accounts = out / ACCOUNTS
    accounts.write_bytes(b"".join(line for line in accounts.read_bytes().splitlines(True) if not line.startswith(b'{"number"')))
    (out / "run.json").unlink()
    measure(out, second)
    assert files(out) == {"results.csv", *(f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in "az")}


def test_half_of_a_folder_is_made_again(first: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first)
    whole = files(out)
    for lost in ("masks", "results.csv", "run.json", ACCOUNTS):
        shutil.rmtree(out / lost) if lost == "masks" else (out / lost).unlink()
        assert measure(out, first, resume=True).failed == 0
        assert files(out) == whole


def test_results_whose_accounts_are_lost_are_removed_by_the_names_in_the_table(first: Path, second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    measure(out, first)
    (out / ACCOUNTS).unlink()
    (out / "masks/mine.png").write_text("mine")
    measure(out, second)
    assert files(out) == {"results.csv", "masks/mine.png", *(f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in "az")}


def test_a_folder_of_an_older_version_is_done_again_and_nothing_of_it_stays(first: Path, second: Path, tmp_path: Path) -> None:
    """Older versions listed the inputs in run.json, and kept a journal to resume from."""
    for resume in (False, True):
        out = tmp_path / f"out{resume}"
        measure(out, first)
        lines = [json.loads(line) for line in (out / ACCOUNTS).read_text().splitlines()]
        (out / ACCOUNTS).unlink()
        (out / "results.csv").unlink()
        inputs = [
            {name: line[name] for name in ("number", "file", "state", "reason", "output", "frames")} for line in lines if "key" in line
        ]
        names = ("key", "frames", "output", "stamp", "file", "rows")
        done = [json.dumps({name: line[name] for name in names}) for line in lines if "key" in line]
        head = json.dumps({name: lines[0][name] for name in ("digest", "salt")})
        journal = [head, json.dumps({"begun": "deep/killed"}), "[]", "torn", *done]
        (out / ".journal.jsonl").write_text("\n".join(journal))
        save_picture(out / "masks/deep/killed.png")
        record = json.loads((out / "run.json").read_text())
        del record["accounts"]
        (out / "run.json").write_text(json.dumps({**record, "inputs": inputs}, indent=1))
        with pytest.raises(OutputError, match="is missing, damaged or of another version"):
            read_origins(out)
        said: list[str] = []
        run_batch("fetal_head", [second], out, Options(resume=resume), given_masks=True, on_redo=said.append)
        assert said == [f"{out} was written by an older version, which kept its accounts in another form"][:resume]
        assert files(out) == {"results.csv", *(f"overlays/{name}.png" for name in "az")} | {f"masks/{name}.png" for name in "az"}
        assert not (out / ".journal.jsonl").exists() and len(list(read_accounts(out))) == 2


def test_studies_of_before_are_removed_and_nothing_else(second: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_cine(tmp_path / "cine/p1")
    measure(out, tmp_path / "cine", "left_ventricle", save=())
    assert {"studies.csv", "studies/p1_areas.csv", "studies/p1_volume.png"} <= files(out)
    (out / "studies/mine_areas.csv").write_text("area of the room\n12\n")
    measure(out, second, save=())
    assert files(out) == {"results.csv", "studies/mine_areas.csv"}


def test_names_in_a_damaged_account_do_not_lead_out_of_the_folder(second: Path, tmp_path: Path) -> None:
    out, precious = tmp_path / "out", save_picture(tmp_path / "precious.png")
    out.mkdir()
    with open_accounts(out, "digest", resume=False), (out / ACCOUNTS).open("a") as accounts:
        for name in ("../../precious", str(tmp_path / "precious")):
            accounts.write(f'{{"begun": "{name}"}}\n')
    measure(out, second)
    assert precious.exists()


def test_frames_of_unknown_number_are_found(tmp_path: Path) -> None:
    for name in ("cine_frame000", "cine_frame063", "cine_frame1000", "cinema", "cine"):
        save_picture(tmp_path / f"masks/{name}.png")
    assert remove_output(tmp_path, "cine") and not remove_output(tmp_path, "cine")
    assert files(tmp_path) == {"masks/cinema.png", "masks/cine_frame1000.png"}


@pytest.mark.parametrize(("frame", "found"), [("064", True), ("065", False)])
def test_after_64_frames_that_are_missing_no_more_are_looked_for(frame: str, found: bool, tmp_path: Path) -> None:
    for name in ("cine_frame000", f"cine_frame{frame}"):
        save_picture(tmp_path / f"masks/{name}.png")
    assert remove_output(tmp_path, "cine")
    assert files(tmp_path) == (set() if found else {f"masks/cine_frame{frame}.png"})


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
