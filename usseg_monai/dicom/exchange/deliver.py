"""Sends objects to an archive of either kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from usseg_monai.dicom.exchange.address import Entity, WebAddress
from usseg_monai.dicom.exchange.delivery import Delivery

__all__ = ["deliver"]


def deliver(files: Sequence[Path], target: Entity | WebAddress, aet: str) -> Delivery:
    """Send objects to an archive; see `usseg_monai.dicom.exchange.stow` and `usseg_monai.dicom.exchange.c_store`.

    Args:
        files: of the objects.
        target: the archive.
        aet: our title, for application entities.

    Raises:
        ArchiveError: the archive cannot be reached, or has gone.
    """
    if isinstance(target, WebAddress):
        from usseg_monai.dicom.exchange.stow import stow

        return stow(files, target)
    from usseg_monai.dicom.exchange.c_store import c_store

    return c_store(files, target, aet)
