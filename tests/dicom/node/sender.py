"""Senders of images, and a node in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from tests.dicom.exchange.objects import SR
from tests.dicom.runs import graph, picture
from tests.dicom.sources import SHAPE, US, blob, source, uid
from usseg_monai.cli import main
from usseg_monai.dicom.node import service
from usseg_monai.dicom.node import work as theirs
from usseg_monai.dicom.node.service import Node


def associate(port: int, classes: Sequence[str] = (US, SR), called: str = "USSEG", **settings: Any) -> Association:
    """An association with a node."""
    ae = AE(ae_title="MODALITY")
    for sop_class in classes:
        ae.add_requested_context(sop_class)
    return ae.associate("127.0.0.1", port, ae_title=called, **settings)


def send(port: int, datasets: Sequence[Dataset], classes: Sequence[str] = (US,)) -> list[int]:
    """Send over one association; the status of each object."""
    association = associate(port, classes)
    assert association.is_established
    try:
        return [int(association.send_c_store(dataset).Status) for dataset in datasets]
    finally:
        association.release()


def head(name: str, series: str = "one") -> Dataset:
    """A picture of a head."""
    made = picture(blob(SHAPE, 60, 80, 40, 52, 20), source(US, name, SeriesInstanceUID=uid("series", series)))
    file = BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


def broken(name: str) -> Dataset:
    """A picture of which most pixels are missing."""
    made = source(US, name, SeriesInstanceUID=uid("series", "one"))
    made.PixelData = made.PixelData[:100]
    return made


def here(*words: object) -> tuple[str, str]:
    """A command in this process; starting one takes seconds."""
    said, wrong = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(wrong):
        main([str(word) for word in words])
    return said.getvalue().strip(), (wrong.getvalue().strip().splitlines() or [""])[-1]


class Here:
    """In place of a pool of processes."""

    def Pool(self, count: int) -> Here:
        return self

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def apply(self, function: Callable[..., None], arguments: tuple[object, ...]) -> None:
        function(*arguments)


class Running:
    """A node that runs, its events, and its port."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.stop = threading.Event()
        self.port = 0

    def named(self, name: str) -> list[dict[str, Any]]:
        return [facts for event, facts in self.events if event == name]

    def wait(self, condition: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.events
            time.sleep(0.02)


@contextmanager
def running(folder: Path, target: Any, **settings: Any) -> Iterator[Running]:
    """A node in a thread; what raises in it raises here."""
    state = Running()
    weights = graph(folder / "graphs", "fetal_head")
    node = Node("fetal_head", folder / "store", target, weights=weights, **{"settle_s": 0.0, "min_free_mb": 1, **settings})
    failure: list[BaseException] = []

    def on_event(name: str, **facts: Any) -> None:
        if name == "listening":
            state.port = facts["port"]
        state.events.append((name, facts))

    def work() -> None:
        try:
            node.serve(on_event, state.stop.is_set)
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=work)
    with patch.object(theirs, "_usseg", here), patch.object(service, "get_context", lambda kind: Here()):
        thread.start()
        try:
            state.wait(lambda: bool(state.port or failure))
            yield state
        finally:
            state.stop.set()
            thread.join(30)
    if failure:
        raise failure[0]


__all__ = ["Running", "associate", "broken", "head", "running", "send"]
