"""Sends objects to a DICOMweb service by STOW-RS, in lots, and looks at the outcome of each object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.dicom.exchange.delivery import AGAIN, Delivery, is_there, meaning
from usseg_monai.dicom.exchange.session import connect, one_line_errors, response_of, sound_answers
from usseg_monai.errors import ArchiveError

__all__ = ["stow"]

_MOST_OBJECTS, _MOST_BYTES = 40, 16 << 20  # in a lot; an object that is larger is a lot of its own
_CONFLICT = 409  # none of the lot was stored; the answer says why, object by object


def stow(files: Sequence[Path], address: WebAddress) -> Delivery:
    """Send objects. Nothing is doubled if some are there already.

    Args:
        files: of the objects.
        address: of the service.

    Raises:
        ArchiveError: the service cannot be reached, or answers with an error; the message counts what was accepted until then.
    """
    delivery = Delivery()
    client, session = connect(address)
    with session:
        for lot in _lots(files):
            uids = [_uid(file) for file in lot]
            try:
                with one_line_errors(address, AGAIN), sound_answers(address):
                    _record(delivery, uids, _send(client, lot))
            except ArchiveError as error:
                raise ArchiveError(f"{error} ({len(delivery.accepted)} of {len(files)} objects had arrived)") from error
    return delivery


def _lots(files: Sequence[Path]) -> Iterator[list[Path]]:
    lot: list[Path] = []
    size = 0
    for file in files:
        its = file.stat().st_size
        if lot and (len(lot) == _MOST_OBJECTS or size + its > _MOST_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(file)
        size += its
    if lot:
        yield lot


def _uid(file: Path) -> str:
    return str(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)


def _send(client: DICOMwebClient, lot: Sequence[Path]) -> Dataset:
    try:
        return client.store_instances([pydicom.dcmread(file) for file in lot])
    except requests.HTTPError as error:
        answer = response_of(error)
        if answer.status_code != _CONFLICT or "json" not in answer.headers.get("Content-Type", ""):
            raise
        return Dataset.from_json(answer.json())


def _record(delivery: Delivery, uids: Sequence[str], answer: Dataset) -> None:
    """Note the outcome of a lot; an answer without sequences says that all was stored."""
    failed = {
        str(item.ReferencedSOPInstanceUID): int(item.get("FailureReason") or 0x0110) for item in answer.get("FailedSOPSequence") or ()
    }
    stored = {str(item.ReferencedSOPInstanceUID) for item in answer.get("ReferencedSOPSequence") or ()}
    for uid in uids:
        if uid in failed and not is_there(failed[uid]):
            delivery.refused[uid] = meaning(failed[uid])
        elif stored and uid not in stored and uid not in failed:
            delivery.refused[uid] = "the archive's answer does not mention it"
        else:
            delivery.accepted.append(uid)
