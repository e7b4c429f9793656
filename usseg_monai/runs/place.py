"""Where a run writes: a local folder, or an address with a local working folder that is uploaded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usseg_monai.errors import OutputError
from usseg_monai.inputs.results_folder import RESULT_FOLDERS, RUN_RECORD
from usseg_monai.remote.address import is_address, place_of
from usseg_monai.runs.lock import HeldFolder, lock_folder

__all__ = ["hold_output", "output_folder", "read_output"]


def output_folder(output: str | os.PathLike[str]) -> Path:
    """The folder that a run writes to: the output itself, or the working folder of an address.

    >>> output_folder("results").as_posix(), output_folder("s3://bucket/results").parent.name
    ('results', 'usseg-monai')
    """
    place = place_of(output)
    if not is_address(place):
        return Path(place)
    from usseg_monai.remote.mirror import working_folder  # late: few runs upload

    return working_folder(place)


@contextmanager
def hold_output(output: str | os.PathLike[str], *, resume: bool) -> Iterator[HeldFolder]:
    """Lock an output folder for one run, see `lock_folder`; an address is kept like its working folder.

    Args:
        output: a folder, or an address.
        resume: whether the results at the address are needed; else only their names, to remove them.

    Raises:
        OutputError: another run holds the folder, the folder or the address cannot be written to, or the address holds files of another
            origin.
    """
    place, folder = place_of(output), output_folder(output)
    if not is_address(place):
        with lock_folder(folder) as held:
            yield held
        return
    _make_private(folder)
    with lock_folder(folder) as held:
        from usseg_monai.remote.mirror import Mirror  # late, as above

        mirror = Mirror(place, folder, RESULT_FOLDERS, RUN_RECORD)
        mirror.begin(contents=resume)
        mirror.start()
        held.on_written = mirror.publish
        try:
            yield held
        except BaseException:
            mirror.leave()
            raise
        mirror.finish()


def read_output(output: str | os.PathLike[str]) -> Path:
    """A folder with the results of a finished run: the output itself, or the working folder of an address, fetched if need be.

    Raises:
        OutputError: the address cannot be read.
    """
    place, folder = place_of(output), output_folder(output)
    if is_address(place):
        from usseg_monai.remote.mirror import Mirror  # late, as above

        _make_private(folder)
        with lock_folder(folder):
            Mirror(place, folder, RESULT_FOLDERS, RUN_RECORD).begin(contents=True)
    return folder


def _make_private(folder: Path) -> None:
    """Make a folder that only its user may read: its place is not one where the user put results."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: the working folder cannot be made ({error.strerror}); set XDG_CACHE_HOME to another folder"
        ) from error
