"""pydicom's own files as we read them, against pydicom's pixels. The files come with pydicom; what they need may not be installed."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pydicom_pictures import _off, compare, main, test_files

test_files.__test__ = False  # type: ignore[attr-defined]
FILES = test_files()
NEED_CODECS = ("JPEGLSNearLossless_08", "JPEGLSNearLossless_16", "MR_small_jpeg_ls_lossless")


@pytest.mark.filterwarnings("ignore")
def test_every_picture_is_equal_or_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(FILES) > 150
    assert main(["--all"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\nequal") > 60 and "DIFFERS" not in printed
    for name in ("CT_small", "MR_small_bigendian", "examples_palette", "693_J2KI"):
        assert f" {name}.dcm: 1 frames" in printed or f" {name}.dcm: 2 frames" in printed, name
    for name in ("rtdose", "rtstruct", "test-SR", "waveform_ecg"):
        assert f"no picture     {name}.dcm: {name}.dcm: no picture to predict" in printed, name


@pytest.mark.parametrize("name", NEED_CODECS)
def test_what_needs_another_package_names_the_extra(name: str) -> None:
    path = next(path for path in FILES if path.stem == name)
    if find_spec("gdcm") or find_spec("jpeg_ls"):
        pytest.skip("what the extra codecs has is installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "pip install 'usseg-monai[codecs]'" in compare(path).words


def test_a_difference_is_seen(tmp_path: Path) -> None:
    grey = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert _off(grey, [grey.astype(np.uint8)]) == 0
    assert _off(grey, [grey + 2, grey + 1]) == 1
    assert _off(grey, [grey[:2]]) == np.inf
    assert _off(np.array([[2**31]], np.float32), [np.array([[2**31 + 50]], np.uint32)]) == 0  # float32 has 24 bits
