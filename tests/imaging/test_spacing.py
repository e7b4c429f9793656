"""Spacing that the user gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.imaging import parse_spacing, read_spacing_csv


def table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "spacing.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_rows_come_first() -> None:
    assert parse_spacing("0.2,0.1") == parse_spacing(" 2e-1 , .1 ") == (0.2, 0.1)


def test_one_number_means_square_pixels() -> None:
    assert parse_spacing("0.2") == parse_spacing(" 2e-1 ") == (0.2, 0.2)


@pytest.mark.parametrize("text", ["", "0.2,", "0.2,0.1,3", "a,b", "0.2;0.1"])
def test_what_is_no_spacing(text: str) -> None:
    with pytest.raises(UsageError, match="give ROW,COL in millimetres"):
        parse_spacing(text)


@pytest.mark.parametrize("text", ["-0.2,0.1", "0.2,0", "nan,1", "1,inf", "1,1e200", "1e-200,1"])
def test_spacing_has_to_be_positive(text: str) -> None:
    with pytest.raises(UsageError, match="both steps must be positive"):
        parse_spacing(text)


def test_a_long_text_is_quoted_in_short() -> None:
    with pytest.raises(UsageError, match=r"spacing '0.2,0.2,.*\.\.\.: give ROW,COL") as caught:
        parse_spacing("0.2," * 1000)
    assert len(str(caught.value)) < 200


def test_table_as_hc18s(tmp_path: Path) -> None:
    text = "filename,pixel size(mm),head circumference (mm)\r\n000_HC.png,0.0691,44.3\r\nb.png,0.2,\r\n"
    assert read_spacing_csv(table(tmp_path, text)) == {"000_HC.png": (0.0691, 0.0691), "b.png": (0.2, 0.2)}


def test_table_of_a_spreadsheet(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfpixel size(mm), filename\n0.2, a.png\n"
    assert read_spacing_csv(table(tmp_path, text)) == {"a.png": (0.2, 0.2)}


def test_the_real_table(hc18: Path) -> None:
    spacings = read_spacing_csv(hc18 / "training_set_pixel_size_and_HC.csv")
    assert len(spacings) > 500 and all(0.01 < row == col < 0.4 for row, col in spacings.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'filename'"),
        ("filename,size\na,1\n", r"no column 'pixel size\(mm\)'"),
        ("filename,pixel size(mm)\na.png,-0.1\n", "line 2: pixel size '-0.1' must be a positive number"),
        ("filename,pixel size(mm)\na.png,0.1\nb.png,nan\n", "line 3: pixel size 'nan'"),
        ("filename,pixel size(mm)\na.png\n", "line 2: pixel size ''"),
        ("filename,pixel size(mm)\na.png,0.1\na.png,0.2\n", "'a.png' has two pixel sizes, 0.1 and 0.2"),
        (b"filename,pixel size(mm)\n\xff\xfe,0.1\n", "not a readable CSV table"),
    ],
)
def test_wrong_tables(text: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read_spacing_csv(table(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "filename;pixel size(mm);head circumference (mm)\r\na.png;0,25;44,3\r\nb.png;0.5;\r\n",
        "filename\tpixel size(mm)\na.png\t0,25\nb.png\t0.5\n",
        'filename,pixel size(mm)\n"a.png","0,25"\n"b.png","0.5"\n',
        "sep=;\r\nfilename;pixel size(mm)\r\na.png;0,25\r\nb.png;0,5\r\n",
        "\ufeffFilename;Pixel Size (mm)\na.png;0,25\nb.png;0,5\n",
        "FILENAME,PIXEL SIZE(MM)\na.png,0.25\nb.png,0.5\n",
        "id,image,mm_per_px\n1,a.png,0.25\n\n2,b.png,0.5\n",
        "Image_filename,Pixel_size,Pixel_size_mm\na.png,0.025,0.25\nb.png,0.05,0.5\n",
        "file,area_mm2_per_pixel,spacing_mm_row,spacing_mm_col\na.png,9,0.25,0.25\nb.png,9,0.5,0.5\n",
        "path,pixel spacing x (mm),pixel spacing y (mm)\na.png,0.25,0.25\nb.png,0.5,0.5\n",
    ],
)
def test_tables_of_other_programs(text: str, tmp_path: Path) -> None:
    assert read_spacing_csv(table(tmp_path, text)) == {"a.png": (0.25, 0.25), "b.png": (0.5, 0.5)}


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    """As this package's own results tell them."""
    text = "file,spacing_mm_col,spacing_mm_row\na.png,0.3,0.2\n"
    assert read_spacing_csv(table(tmp_path, text)) == {"a.png": (0.2, 0.3)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,Pixel_size\na,0.1\n", "'Pixel_size' states no unit: name it 'pixel size\\(mm\\)' if it holds millimetres"),
        ("filename;pixel size(cm)\na;0,1\n", "'pixel size\\(cm\\)' states no unit"),
        ("filename,pixel a mm,pixel b mm\na,1,2\n", "several columns of pixel sizes, 'pixel a mm', 'pixel b mm'"),
        ("name,pixel size(mm)\na,1\n", "no column 'filename'"),
        ("filename;pixel size(mm)\na.png;0,1,2\n", "line 2: pixel size '0,1,2'"),
        ("filename;pixel size(mm)\na.png;1.000,5\n", "line 2: pixel size '1.000,5'"),
        ("file,spacing_mm_row,spacing_mm_col\na.png,0.1,-2\n", "line 2: pixel size '-2'"),
        ("filename,pixel size(mm)\n" + "x" * 65_530 + ",0.1\n", None),
        ("filename,pixel size(mm)\n" + "x" * 65_540 + ",0.1\n", "line 2: more than 65536 characters in one line"),
    ],
)
def test_tables_that_cannot_be_meant(text: str, message: str | None, tmp_path: Path) -> None:
    if message is None:
        assert len(read_spacing_csv(table(tmp_path, text))) == 1
        return
    with pytest.raises(UsageError, match=message):
        read_spacing_csv(table(tmp_path, text))


def test_the_number_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usseg_monai.files.table._MOST_LINES", 3)
    assert len(read_spacing_csv(table(tmp_path, "filename,pixel size(mm)\na,1\nb,2\n"))) == 2
    with pytest.raises(UsageError, match="more than 3 lines; split it"):
        read_spacing_csv(table(tmp_path, "filename,pixel size(mm)\na,1\nb,2\nc,3\n"))


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a readable CSV table"):
        read_spacing_csv(tmp_path / "absent.csv")
