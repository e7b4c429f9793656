"""The folder of DICOM objects beside the results that they were made from, with a table that lists them (`usseg_monai.dicom.run`)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePath

from usseg_monai.errors import OutputError
from usseg_monai.files.table import read_table
from usseg_monai.files.write import is_temporary

__all__ = ["OBJECTS_FOLDER", "OBJECTS_TABLE", "OBJECT_COLUMNS", "remove_objects"]

OBJECTS_FOLDER = "dicom"
"""Name of the folder in the output folder of a run."""

OBJECTS_TABLE = "objects.csv"
"""Name of the table in it: one row per object."""

OBJECT_COLUMNS = ("file", "kind", "source", "sop_class_uid", "sop_instance_uid", "series_instance_uid")
"""Columns of the table: name of the object's file in the folder; its kind; the file or stack in the results; its identifiers."""


def remove_objects(folder: Path) -> None:
    """Remove the objects that the table lists, the table, and what killed processes left; other files stay.

    Raises:
        OutputError: a file cannot be removed, or the folder is a link.
    """
    place = folder / OBJECTS_FOLDER
    if place.is_symlink():
        raise OutputError(f"{place} is a link, which is not followed: remove it")
    if not place.is_dir():
        return
    table = place / OBJECTS_TABLE
    names = [PurePath(str(row.get("file"))) for row in read_table(table)] if table.is_file() else []
    listed = [place / name for name in names if name.parts and not name.is_absolute() and ".." not in name.parts]
    left = [Path(here, name) for here, _, inside in os.walk(place) for name in inside if is_temporary(name)]
    for file in (*left, *listed, table):  # the table last: it names the others
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{file}: an object of an earlier run cannot be removed ({error.strerror})") from error
    for here, _, _ in os.walk(place, topdown=False):
        with suppress(OSError):  # not empty
            os.rmdir(here)
