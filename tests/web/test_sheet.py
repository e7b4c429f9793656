"""The sheet of paper has picture, numbers, status, weights and disclaimer, on one page."""

from __future__ import annotations

import base64
import re
import zlib

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.report.words import DISCLAIMER
from usseg_monai.tasks import get_task
from usseg_monai.web.engines import Engines
from usseg_monai.web.sheet import sheet
from usseg_monai.web.wire import packed

ENGINES = Engines()


def text_of(pdf: bytes) -> str:
    """The texts of a PDF, by line: their streams are packed and written in base 85."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            content = zlib.decompress(base64.a85decode(b"<~" + stream.strip(), adobe=True))
        except (ValueError, zlib.error):
            continue  # the picture
        texts = re.findall(rb"\(((?:\\.|[^\\)])*)\) Tj", content)
        found += [re.sub(rb"\\([0-7]{3})", _octal, text).decode("cp1252") for text in texts]
    return "\n".join(found)


def _octal(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 8)])


@pytest.mark.parametrize("size", [(300, 400), (2100, 1700)])
@pytest.mark.parametrize("corrected", [False, True])
def test_one_page_with_everything(size: tuple[int, int], corrected: bool) -> None:
    rows, cols = np.ogrid[: size[0], : size[1]]
    mask = ((rows - size[0] / 2) ** 2 + (cols - size[1] / 2) ** 2 <= (size[0] / 5) ** 2).astype(np.uint8)
    pixels = np.full(size, 90, np.uint8)
    text = {"task": "fetal_head", "rows": size[0], "cols": size[1], "type": "u1", "spacing_mm": [0.2, 0.2], "file": "ä 頭.png"}
    text |= {"said": {"confidence": 0.93, "unlikeness": 0.5}, "corrected": corrected}
    pdf = sheet(ENGINES, packed(text, [mask.tobytes(), pixels.tobytes()]))
    words = text_of(pdf)
    assert pdf.startswith(b"%PDF") and len(re.findall(rb"/Type /Page\b", pdf)) == 1
    assert all(part in words for part in (DISCLAIMER, "ä ?.png", get_task("fetal_head").weights_sha256[:12], "0.2 x 0.2 mm"))
    assert re.search(r"Head circumference \d+\.\d mm", words)
    assert ("corrected by hand" in words) == corrected and ("Expected Dice 0.93" in words) != corrected


def test_axes_are_no_mask() -> None:
    with pytest.raises(UsageError):
        sheet(ENGINES, packed({"task": "fetal_head", "axes": []}))
