"""Sends objects to an application entity by C-STORE, and looks at the status of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.presentation import PresentationContext

from usseg_monai.dicom.exchange.address import Entity
from usseg_monai.dicom.exchange.delivery import AGAIN, Delivery, is_there, meaning
from usseg_monai.errors import ArchiveError

__all__ = ["OUR_AET", "c_store"]

OUR_AET = "USSEG"
"""Our title where no other is given."""

_PLAIN = ExplicitVRLittleEndian, ImplicitVRLittleEndian
_CONNECT_S, _ANSWER_S = 10, 120


def c_store(files: Sequence[Path], entity: Entity, aet: str = OUR_AET) -> Delivery:
    """Send objects over one association, each in its own transfer syntax, or, if it is uncompressed, in one that the other accepts.

    Args:
        files: of the objects.
        entity: that receives them.
        aet: our title, which archives may have to know.

    Raises:
        ArchiveError: there is no association, or it was lost; the message counts what was accepted until then.
    """
    delivery = Delivery()
    if not files:
        return delivery
    ours = AE(ae_title=aet)
    ours.connection_timeout, ours.acse_timeout, ours.dimse_timeout, ours.network_timeout = _CONNECT_S, _CONNECT_S, _ANSWER_S, _ANSWER_S
    association = ours.associate(entity.host, entity.port, contexts=_contexts(files), ae_title=entity.aet)
    if not association.is_established:
        if association.is_rejected:
            raise ArchiveError(f"{entity} rejects the association: it must know the AE title {aet}, and {entity.aet} must be its own")
        raise ArchiveError(f"{entity} cannot be reached, or does not speak DICOM; {AGAIN}")
    try:
        for file in files:
            _send(association, pydicom.dcmread(file), delivery, entity, len(files))
    finally:
        if association.is_established:
            association.release()
    return delivery


def _contexts(files: Sequence[Path]) -> list[PresentationContext]:
    """One context for each class and transfer syntax: an archive chooses one syntax of a context, which must be the object's."""
    wanted: dict[tuple[str, str], None] = {}
    for file in files:
        meta = pydicom.filereader.read_file_meta_info(file)
        syntaxes = [meta.TransferSyntaxUID, *(() if meta.TransferSyntaxUID.is_compressed else _PLAIN)]
        wanted |= {(str(meta.MediaStorageSOPClassUID), str(syntax)): None for syntax in syntaxes}
    return [build_context(sop_class, syntax) for sop_class, syntax in wanted]


def _send(association: object, dataset: Dataset, delivery: Delivery, entity: Entity, total: int) -> None:
    uid = str(dataset.SOPInstanceUID)
    try:
        status = association.send_c_store(dataset).get("Status")  # type: ignore[attr-defined]
    except ValueError:
        delivery.refused[uid] = "this kind of object, or its transfer syntax, is not accepted"
        return
    except RuntimeError:
        status = None
    if status is None:
        raise ArchiveError(f"{entity} has gone; {AGAIN} ({len(delivery.accepted)} of {total} objects had arrived)")
    if is_there(int(status)):
        delivery.accepted.append(uid)
    else:
        delivery.refused[uid] = meaning(int(status))
