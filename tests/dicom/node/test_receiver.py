"""What a node refuses, and what senders cannot do to it."""

from __future__ import annotations

import socket
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import MPEG4HP41, JPEGLSLossless, RLELossless
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # made when it is imported

from tests.dicom.exchange.objects import SEG, SR
from tests.dicom.node.sender import associate, head, send
from tests.dicom.sources import MR, US, source, uid
from usseg_monai.dicom.node import guard
from usseg_monai.dicom.node import receiver as module
from usseg_monai.dicom.node.queue import Queue
from usseg_monai.dicom.node.receiver import Receiver


class Here:
    """A receiver, its queue and its events."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.queue = Queue(folder)
        given = {"min_free": 0, "settle_s": 0.0, **settings}
        self.receiver = Receiver(self.queue, "USSEG", "127.0.0.1", 0, on_event=self.note, **given)
        self.port = self.receiver.port

    def note(self, name: str, **facts: Any) -> None:
        self.events.append((name, facts))

    def accepted(self) -> list[str]:
        return sorted(file.stem for file in (self.queue.folder / "queue").rglob("*.dcm"))

    def received(self) -> int:
        """Files of half-sent objects."""
        return len(list(self.queue.incoming.iterdir()))

    def wait(self, condition: Any) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    made = Here(tmp_path / "store")
    yield made
    made.receiver.close()


def test_what_is_accepted_is_in_the_queue_byte_for_byte(here: Here) -> None:
    picture = head("a")
    assert send(here.port, [picture]) == [0]
    assert here.accepted() == [picture.SOPInstanceUID] and here.receiver.counts["accepted"] == 1
    (file,) = (here.queue.folder / "queue" / uid("series", "one")).iterdir()
    content = file.read_bytes()
    assert content[128:132] == b"DICM" and picture.PixelData in content and file.stat().st_mode & 0o077 == 0
    here.wait(lambda: here.receiver.ready() == [uid("series", "one")])


def test_echo_is_answered_and_another_title_is_rejected(here: Here) -> None:
    association = associate(here.port, (str(Verification),))
    assert association.send_c_echo().Status == 0
    association.release()
    assert associate(here.port, (US,), "OTHER").is_rejected


def test_what_is_no_image_is_refused_by_its_context(here: Here) -> None:
    association = associate(here.port, (US, SR, SEG))
    assert [str(context.abstract_syntax) for context in association.accepted_contexts] == [US]
    with pytest.raises(ValueError, match="No presentation context"):
        association.send_c_store(source(SR, "report"))
    assert association.send_c_store(head("a")).Status == 0
    association.release()
    assert here.receiver.counts["contexts_refused"] == 2
    facts = dict(here.events)["contexts_refused"]
    assert facts == {"kinds": "Comprehensive SR Storage, Segmentation Storage", "sender": "MODALITY@127.0.0.1"}
    only = associate(here.port, (SR,))
    assert not only.accepted_contexts


def test_syntaxes_that_cannot_be_decoded_are_refused(here: Here) -> None:
    ae = AE()
    for syntax in (RLELossless, JPEGLSLossless, MPEG4HP41):
        ae.add_requested_context(US, syntax)
    association = ae.associate("127.0.0.1", here.port, ae_title="USSEG")
    assert {context.transfer_syntax[0] for context in association.accepted_contexts} == {RLELossless, JPEGLSLossless}
    association.release()


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "StudyInstanceUID"])
@pytest.mark.parametrize("value", ["../../x", "1..2", "", None])
def test_identifiers_that_are_none_are_refused(keyword: str, value: str | None, here: Here) -> None:
    picture = head("a")
    del picture[keyword]
    if value is not None:
        from pydicom.datadict import tag_for_keyword
        from pydicom.dataelem import DataElement

        tag = tag_for_keyword(keyword)
        assert tag is not None
        picture.add(DataElement(tag, "UI", value))
    assert send(here.port, [picture, head("b")]) == [0xC000, 0]
    assert here.accepted() == [head("b").SOPInstanceUID] and here.receiver.counts["refused"] == 1
    assert here.events[0][1]["status"] == "C000" and here.received() == 0
    assert not [file for file in here.queue.folder.parent.rglob("*.dcm") if here.queue.folder not in file.parents]


def test_another_object_than_announced_and_damaged_bytes_are_refused(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    theirs = importlib.import_module("pynetdicom.association")

    encode = theirs.encode
    with monkeypatch.context() as patch:
        patch.setattr(theirs, "encode", lambda dataset, *rest: encode(head("other"), *rest))
        assert send(here.port, [head("a")]) == [0xA900]
        for damaged in (b"\x08\x00\x16\x00" + b"\xff" * 60, b"GET / HTTP/1.1\r\n\r\n" * 9):
            patch.setattr(theirs, "encode", lambda dataset, *rest, damaged=damaged: damaged)
            assert send(here.port, [head("a")])[0] >> 12 == 0xC
    assert send(here.port, [head("a")]) == [0] and here.accepted() == [head("a").SOPInstanceUID]


def test_a_full_disk_refuses_and_room_accepts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(tmp_path / "store", min_free=100 << 20)
    usage = namedtuple("usage", "free")
    try:
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda place: usage((100 << 20) - 1))
            assert send(here.port, [head("a")]) == [0xA700]
            assert here.events == [
                ("refused", {"status": "A700", "reason": "99 MB are free on the disk, 100 must be", "sender": "MODALITY@127.0.0.1"})
            ]
            patch.setattr("shutil.disk_usage", lambda place: usage(100 << 20))
            assert send(here.port, [head("a")]) == [0]
            patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            assert send(here.port, [head("b")]) == [0xA700]
        assert send(here.port, [head("b")]) == [0] and len(here.accepted()) == 2 and here.received() == 0
    finally:
        here.receiver.close()


def test_a_disk_that_fills_while_an_object_comes_ends_the_connection(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_LOOK_EVERY", 10_000)
    here.receiver._server.has_room = lambda: False
    association = associate(here.port, (US,))
    assert "Status" not in association.send_c_store(head("a"))
    assert not here.accepted()
    here.wait(lambda: here.received() == 0)
    here.receiver._server.has_room = lambda: True
    assert send(here.port, [head("a")]) == [0]


HOSTILE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("16030100c8010000c40303") + b"\x00" * 200,
    "huge request": b"\x01\x00\xff\xff\xff\xff" + b"\x00" * 5000,
    "huge data": b"\x04\x00\x7f\xff\xff\xff" + b"\x00" * 5000,
    "empty request": b"\x01\x00\x00\x00\x00\x00",
    "data first": b"\x04\x00\x00\x00\x00\x08\x00\x00\x00\x04\x01\x03\x00\x00",
    "zeroes": b"\x00" * 2000,
    "nothing": b"",
}


@pytest.mark.parametrize("bytes_", HOSTILE.values(), ids=HOSTILE)
def test_foreign_bytes_do_no_harm(bytes_: bytes, here: Here) -> None:
    with socket.create_connection(("127.0.0.1", here.port), timeout=10) as connection:
        connection.sendall(bytes_)
        if bytes_ and bytes_[0] != 0:
            _read(connection)  # an abort, or the end
    assert send(here.port, [head("a")]) == [0]
    assert len(here.accepted()) == 1


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""


def test_a_sender_that_dies_leaves_nothing_half(here: Here) -> None:
    association = associate(here.port, (MR,))
    large = source(MR, "large", (2000, 2000), SeriesInstanceUID=uid("series", "one"))
    wrapper: Any = association.dul.socket
    raw = wrapper.socket
    sendall = raw.send
    sent = 0

    class Dying:
        def __getattr__(self, name: str) -> Any:
            return getattr(raw, name)

        def send(self, data: bytes) -> int:
            nonlocal sent
            sent += len(data)
            if sent > 500_000:
                raw.shutdown(socket.SHUT_RDWR)
                raise OSError("dead")
            return int(sendall(data))

    wrapper.socket = Dying()
    assert "Status" not in association.send_c_store(large)
    here.wait(lambda: not here.receiver._server.active_associations)
    here.wait(lambda: here.received() == 0)
    assert not here.accepted()


def test_connections_above_the_bound_are_closed_and_later_ones_are_taken(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_MOST_CONNECTIONS", 3)
    monkeypatch.setattr(here.receiver._server.ae, "_acse_timeout", 0.5)
    idle = [socket.create_connection(("127.0.0.1", here.port), timeout=10) for _ in range(3)]
    here.wait(lambda: len(here.receiver._server.active_associations) == 3)
    with socket.create_connection(("127.0.0.1", here.port), timeout=10) as one_more:
        assert _read(one_more) == b""
    here.wait(lambda: not here.receiver._server.active_associations)  # they asked for nothing
    for connection in idle:
        connection.close()
    monkeypatch.setattr(here.receiver._server.ae, "_acse_timeout", 10)
    assert send(here.port, [head("a")]) == [0]


def test_closing_waits_for_what_is_being_sent_and_then_aborts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.3)
    here = Here(tmp_path / "store")
    association = associate(here.port, (US,))
    here.receiver.close()
    here.wait(lambda: not association.is_established)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", here.port), timeout=1)
