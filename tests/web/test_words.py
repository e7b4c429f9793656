"""Messages of the page do not speak of the command line."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import usseg_monai
from tests.imaging.samples import picture, sample, tiff_pages
from usseg_monai.errors import ImageError, NoPictureError, UssegError, WeightsError
from usseg_monai.imaging import Limits, read_frames
from usseg_monai.imaging.kind import kind_of
from usseg_monai.imaging.triage import is_cheap
from usseg_monai.measuring.result import Status
from usseg_monai.report.words import DISCLAIMER, HEADINGS
from usseg_monai.web.words import OWN_WORDS, in_page_words

ROOT = Path(usseg_monai.__file__).parent
MET = ("errors", "geometry", "imaging", "measuring", "phantoms", "predict/engines/onnx", "predict/predictor", "tasks", "web")
"""Modules whose texts a user of the page can meet."""

NOT_MET = (
    *(
        "imaging/mask_values",
        "tasks/record",
        "web/export",
        "web/guard",
        "web/server",
        "web/single_file",
    ),  # mask files, and the starter of a server
    *(f"tasks/{task}/record" for task in ("breast", "fetal_head", "left_ventricle", "nerve")),
)
ADVICE = re.compile(r"(?<!gdcmconv )--[a-z]|Limits\(|usseg [a-z]+\b")
EPICARDIUM = "no mass: --epicardium holds"  # only if that was given, which the page cannot


def texts(node: ast.AST, own_words: bool = False) -> Iterator[tuple[str, bool]]:
    """The strings of a syntax tree but docstrings and remedies, and whether each is of an error that the page words itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, own_words
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call):
        own_words |= isinstance(node.func, ast.Name) and getattr(usseg_monai.errors, node.func.id, UssegError) is WeightsError
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.keyword) and child.arg == "remedy"):
            yield from texts(child, own_words)


def test_every_status_has_a_heading() -> None:
    assert set(HEADINGS) == set(Status)


def modules() -> list[Path]:
    names = {path: path.relative_to(ROOT).as_posix().removesuffix(".py") for path in sorted(ROOT.rglob("*.py"))}
    return [path for path, name in names.items() if name.startswith(MET) and name not in NOT_MET]


def test_no_text_that_the_page_shows_gives_advice_for_the_command_line() -> None:
    """But in remedies, which the page leaves out, and in errors that it words itself."""
    found = [
        (path.relative_to(ROOT).as_posix(), text)
        for path in modules()
        for text, own_words in texts(ast.parse(path.read_text(encoding="utf-8")))
        if ADVICE.search(text) and not own_words and not text.startswith(EPICARDIUM)
    ]
    named_remedies, own = ["imaging/limits.py"] * 2, ["web/words.py"]
    assert [name for name, _ in found] == named_remedies + own, found


def test_remedies_are_left_out_whatever_way_an_error_takes() -> None:
    """Also from the process that decodes, with the name of the file, and through a pickle."""
    error = NoPictureError("a report; choose a picture", remedy=", or --any")
    for same in (error.about("a.dcm"), pickle.loads(pickle.dumps(error.about("a.dcm")))):
        assert type(same) is NoPictureError and str(same) == "a.dcm: a report; choose a picture, or --any"
        assert (same.code, in_page_words(same)) == ("no_picture", "a report; choose a picture")
    pages = tiff_pages([picture()] * 20)
    assert not is_cheap(pages, kind_of(pages))  # decoded elsewhere
    for content, limits in ((pages, Limits(max_frames=3)), (sample("png"), Limits(max_pixels=99))):
        with pytest.raises(ImageError, match=r"^bytes: .*Limits\(max_(frames|pixels)=\.\.\.\)$") as large:
            list(read_frames(content, limits=limits))
        assert re.fullmatch(r"[^:]+: more than [0-9]+ (pixels )?per (file|frame); (split|reduce) it", in_page_words(large.value))


def test_the_page_has_its_own_words_for_weights() -> None:
    text = in_page_words(WeightsError("/home/me/model.onnx is damaged: export it with 'usseg export'"))
    assert text == OWN_WORDS[WeightsError.code] and "/home" not in text


def test_the_page_has_the_disclaimer_of_reports() -> None:
    text = (ROOT / "web/static/index.html").read_text(encoding="utf-8")
    assert DISCLAIMER in re.sub(r"</?strong>", "", text)
