"""Receives images by C-STORE: each is on the disk before its sender is told that it is accepted."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any, cast

import pydicom
import pynetdicom
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made when it is imported

from usseg_monai.dicom.exchange.search import is_uid
from usseg_monai.dicom.node.contexts import image_contexts
from usseg_monai.dicom.node.guard import GuardedServer
from usseg_monai.dicom.node.queue import Queue
from usseg_monai.errors import UsageError, printable

__all__ = ["Receiver"]

SUCCESS, OUT_OF_RESOURCES, MISMATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000
"""Statuses of C-STORE that a node answers with."""

_MOST_ASSOCIATIONS = 16
_SILENT_S = 60  # after which an association is ended
_REQUEST_S = 10  # within which a connection must ask for an association
_PATIENCE_S = 3  # for associations that are open at the end
_KEYWORDS = ["SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"]


class Receiver:
    """Listens for images. A process has one at a time: it tells pynetdicom to write what comes to files in the queue's folder.

    Args:
        queue: takes the images.
        aet: our title; associations with another one are rejected.
        host, port: to listen at; port 0 takes a free one.
        min_free: bytes that must be free on the disk, else images are refused.
        settle_s: seconds of silence after which a series is taken to be whole.
        on_event: called with a name and facts, from several threads.

    Raises:
        UsageError: the address cannot be listened at.
    """

    def __init__(
        self,
        queue: Queue,
        aet: str,
        host: str,
        port: int,
        *,
        min_free: int,
        settle_s: float,
        on_event: Callable[..., None] = lambda name, **facts: None,
    ) -> None:
        self._queue, self._min_free, self._settle_s, self._on_event = queue, min_free, settle_s, on_event
        self.changed = Condition()
        self.counts: Counter[str] = Counter()
        self._open: dict[Any, set[str]] = {}
        self._last: dict[str, float] = {}
        self._started = time.monotonic()
        self._tempdir, self._chunked = tempfile.tempdir, pynetdicom._config.STORE_RECV_CHUNKED_DATASET
        tempfile.tempdir = str(queue.incoming)  # where pynetdicom writes
        pynetdicom._config.STORE_RECV_CHUNKED_DATASET = True
        ae = AE(ae_title=aet)
        ae.require_called_aet = True
        ae.maximum_associations = _MOST_ASSOCIATIONS
        ae.network_timeout = ae.dimse_timeout = _SILENT_S
        ae.acse_timeout = _REQUEST_S
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]
        contexts = [*image_contexts(), pynetdicom.build_context(Verification)]
        try:
            made = cast(GuardedServer, ae.make_server((host, port), contexts=contexts, evt_handlers=handlers, server_class=GuardedServer))
        except OSError as error:
            self._restore()
            raise UsageError(f"{host}:{port} cannot be listened at ({error.strerror or error}); give another --host or --port") from error
        self._server = made
        self._server.has_room = lambda: self._free() > min_free // 2
        ae._servers.append(made)
        self.port = int(made.server_address[1])
        self._thread = Thread(target=made.serve_forever, args=(0.1,), name="receiver", daemon=True)
        self._thread.start()

    def ready(self) -> list[str]:
        """Series that wait, are sent by no open association, and had no new image for some seconds."""
        now = time.monotonic()
        with self.changed:
            self._open = {association: its for association, its in self._open.items() if association.is_alive()}
            busy = {series for its in self._open.values() for series in its}
            return [
                series
                for series in self._queue.waiting()
                if series not in busy and now - self._last.get(series, self._started) >= self._settle_s
            ]

    def close(self) -> None:
        """Stop listening; associations that are open may go on for some seconds."""
        self._server.shutdown()
        self._thread.join()
        end = time.monotonic() + _PATIENCE_S
        while (left := self._server.active_associations) and time.monotonic() < end:
            time.sleep(0.02)
        for association in left:
            association.abort()
        self._restore()

    def _restore(self) -> None:
        tempfile.tempdir, pynetdicom._config.STORE_RECV_CHUNKED_DATASET = self._tempdir, self._chunked

    def _free(self) -> int:
        return shutil.disk_usage(self._queue.folder).free

    def _store(self, event: Event) -> int:
        """Answer a C-STORE."""
        file = Path(event.dataset_path)
        try:
            status, reason = self._keep(event, file)
        finally:
            with suppress(OSError):
                file.unlink()  # if it was not moved
        self.counts["accepted" if status == SUCCESS else "refused"] += 1
        if reason:
            self._on_event("refused", status=f"{status:04X}", reason=reason, sender=_sender(event))
        return status

    def _keep(self, event: Event, file: Path) -> tuple[int, str]:
        free = self._free()
        if free < self._min_free:
            return OUT_OF_RESOURCES, f"{free >> 20} MB are free on the disk, {self._min_free >> 20} must be"
        request = cast(C_STORE, event.request)
        if request._dataset_file is not None:
            request._dataset_file.close()  # pynetdicom would close it afterwards, and not every system moves open files
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_KEYWORDS)
            sop_class, uid, series, study = (str(header.get(keyword, "")) for keyword in _KEYWORDS)
        except Exception as error:  # on damaged bytes pydicom raises anything
            return CANNOT_UNDERSTAND, f"damaged: {printable(' '.join(str(error).split())[:80])}"
        if not (is_uid(uid) and is_uid(series) and is_uid(study)):
            return CANNOT_UNDERSTAND, "its identifiers of study, series and object are missing, or none"
        if (sop_class, uid) != (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)):
            return MISMATCH, "it is another object, or of another kind, than it was announced as"
        with self.changed:
            self._open.setdefault(event.assoc, set()).add(series)
            self._last[series] = time.monotonic()
        try:
            self._queue.put(file, series, uid)
        except OSError as error:
            return OUT_OF_RESOURCES, f"it cannot be written ({error.strerror})"
        return SUCCESS, ""

    def _accepted(self, event: Event) -> None:
        refused = [str(context.abstract_syntax) for context in event.assoc.rejected_contexts]
        self.counts["associations"] += 1
        self.counts["contexts_refused"] += len(refused)
        if refused:
            names = sorted({pydicom.uid.UID(name).name for name in refused})
            self._on_event("contexts_refused", kinds=printable(", ".join(names)[:200]), sender=_sender(event))

    def _closed(self, event: Event) -> None:
        """Remove what an association left half sent."""
        message: Any = event.assoc.dimse.message
        if message is not None and (half := getattr(message, "_data_set_path", None)) is not None:
            with suppress(OSError):
                message._data_set_file.close()
                os.unlink(half)
        with self.changed:
            self.changed.notify_all()


def _sender(event: Event) -> str:
    requestor = event.assoc.requestor
    return printable(f"{requestor.ae_title}@{requestor.address}")
