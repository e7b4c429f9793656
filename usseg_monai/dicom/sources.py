"""Finds the sources of a run's results again: runs keep no paths, only salted digests of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from usseg_monai.errors import ImageError, OutputError
from usseg_monai.inputs.find import find_inputs
from usseg_monai.runs.accounts import Account, read_head
from usseg_monai.runs.concealed import salted_digest
from usseg_monai.runs.outputs import no_inputs

__all__ = ["Sources"]


class Sources:
    """The files of the sources, by what a run recorded of each.

    Args:
        folder: output folder of the run.
        arguments: files, folders, globs and lists that hold the sources; may be empty for runs that recorded paths (``--absolute``).
        follow_links: as for the run.

    Raises:
        ImageError: the arguments refer to no file.
        OutputError: the folder holds no account file.
    """

    def __init__(self, folder: Path, arguments: Sequence[str | Path], *, follow_links: bool = False) -> None:
        head = read_head(folder)
        if head is None:
            raise OutputError(f"{folder} holds no accounts of a run: give a folder that 'usseg predict' wrote")
        found = find_inputs(arguments, leave_out=no_inputs(folder), follow_links=follow_links) if arguments else []
        self._by_key = {salted_digest(head[1], item.absolute, 32): item.path for item in found if not item.refusal}
        self._by_name = {item.file: item.path for item in found if not item.refusal}

    def find(self, account: Account) -> Path:
        """The file of an account: where the run found it, or, if it was moved, a file of the same name and size.

        Raises:
            ImageError: there is none.
        """
        for path in (account.path, self._by_key.get(account.key, "")):
            if path and Path(path).is_file():
                return Path(path)
        moved = self._by_name.get(account.file)
        if moved is not None and Path(moved).stat().st_size == account.stamp[0]:
            return Path(moved)
        raise ImageError("its source was not found: name the files or folders that 'usseg predict' read, after the folder of the results")
