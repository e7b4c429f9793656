"""Hospital traffic against a real archive (Orthanc), with both sides killed: what is lost, what is doubled.

    python -m benchmarks.dicom_node [--update-docs]

Needs Debian's packages ``orthanc`` and ``orthanc-dicomweb``, and the right to make a network namespace: Orthanc listens at all addresses,
whatever it is told, so all of this runs where there is no network but the machine's own. The images are phantoms of heads in DICOM, the
network is the released one. ``--update-docs`` puts the table into ``docs/how_to/hospital.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
import requests
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from benchmarks.readme import insert_table
from usseg_monai.dicom.exchange.address import WebAddress
from usseg_monai.dicom.exchange.search import find_objects, find_series
from usseg_monai.dicom.exchange.session import connect
from usseg_monai.dicom.exchange.stow import stow
from usseg_monai.files.write import write_text
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

DOCS = Path(__file__).resolve().parents[1] / "docs" / "how_to" / "hospital.md"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
IMAGES, ASSOCIATIONS, EACH = 240, 4, 25
US, SR = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.88.33"

_PHANTOMS = 6
_WITHIN_S = 300
_MOST_MB = 250


class Figure(NamedTuple):
    """What was measured, its value in words, and whether it is as promised."""

    what: str
    value: str
    ok: bool


def picture(name: str, series: str, pixels: bytes, rows: int, cols: int) -> Dataset:
    """A file of an ultrasound machine."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = UID(US), generate_uid(entropy_srcs=["node", name])
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    made.StudyInstanceUID, made.SeriesInstanceUID = (generate_uid(entropy_srcs=["node", part]) for part in ("study", series))
    made.Modality, made.PatientName, made.PatientID, made.StudyDate, made.StudyTime = "US", "Phantom^A", "1", "20260101", "100000"
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = rows, cols, 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    made.PixelData = pixels
    return made


def pictures(count: int, series: str) -> list[Dataset]:
    """Files of phantoms of heads."""
    shown = [fetal_head_phantom(seed).image.pixels[::2, ::2].clip(0, 255).astype("uint8") for seed in range(1, _PHANTOMS + 1)]
    return [
        picture(f"{series} {number}", series, shown[number % _PHANTOMS].tobytes(), *shown[number % _PHANTOMS].shape)
        for number in range(count)
    ]


class Archive:
    """An Orthanc in a folder; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.http, self.dicom = folder, free_port(), free_port()
        folder.mkdir(parents=True)
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "AuthenticationEnabled": False,
            "Plugins": [str(PLUGIN)],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.web = WebAddress(f"http://127.0.0.1:{self.http}/dicom-web")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(["Orthanc", str(self.folder / "orthanc.json")], stdout=log, stderr=subprocess.STDOUT)
        wait_for(lambda: self.count() >= 0)

    def count(self) -> int:
        """Number of objects in it; -1 if it does not answer."""
        try:
            return int(requests.get(f"http://127.0.0.1:{self.http}/statistics", timeout=5).json()["CountInstances"])
        except (requests.RequestException, ValueError):
            return -1

    def kill(self) -> None:
        """Kill it at once."""
        self.process.kill()
        self.process.wait()

    def listed(self, modality: str) -> int:
        """Number of objects of a modality that it finds (QIDO)."""
        client, session = connect(self.web)
        with session:
            return sum(len(find_objects(client, study, series)) for study, series in find_series(client, {"Modality": modality}))


@contextmanager
def archive(folder: Path) -> Iterator[Archive]:
    """An archive that ends with the block."""
    made = Archive(folder)
    try:
        yield made
    finally:
        made.process.terminate()
        made.process.wait()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + _WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.05)


def usseg(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run([sys.executable, "-m", "usseg_monai", *map(str, words)], capture_output=True, text=True, check=False)


def killed_midway(server: Archive, begun: Callable[[], bool], *words: object) -> tuple[bool, bool]:
    """Run a command whose server is killed once it has begun, then the same command again with the server.

    Returns:
        Whether it failed with one line, and whether the second completed.
    """
    line = [sys.executable, "-m", "usseg_monai", *map(str, words)]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: begun() or process.poll() is not None)
    server.kill()
    _, said = process.communicate()
    server.start()
    return process.returncode == 1 and len(said.splitlines()) == 1, usseg(*words).returncode == 0


def archive_figures(folder: Path) -> Iterator[Figure]:
    """Images in an archive: pulled, predicted, sent back, found; twice, and with the archive killed midway."""
    (folder / "source").mkdir(parents=True)
    files = []
    for number, dataset in enumerate(pictures(IMAGES, "archive")):
        files.append(folder / "source" / f"{number}.dcm")
        dataset.save_as(files[-1], enforce_file_format=True)
    images, out = folder / "images", folder / "out"
    with archive(folder / "one") as server:
        stow(files, server.web)
        pull = ("dicom", "pull", server.web, "--query", "Modality=US", "-o", images)
        clean, whole = killed_midway(server, lambda: len(list(images.rglob("*.dcm"))) > IMAGES // 5, *pull)
        copied = len(list(images.rglob("[0-9]*.dcm")))
        what = "images in the archive; copied by `pull`, during which the archive was killed, and the same command again"
        yield Figure(what, f"{IMAGES}; {copied}", copied == IMAGES)
        yield Figure("one clear error, and the second completes", yes(clean and whole), clean and whole)
        started = time.monotonic()
        done = usseg("predict", "fetal_head", images, "-o", out, "--save", "mask")
        yield Figure("predicted", f"{IMAGES}, {time.monotonic() - started:.0f} s", done.returncode == 0)
        before = server.count()
        send = ("dicom", out, images, "--stow", server.web)
        clean, whole = killed_midway(server, lambda: server.count() > before, *send)
        what = "archive killed during `--stow`: one clear error, and the same command completes"
        yield Figure(what, yes(clean and whole), clean and whole)
        usseg(*send)
        made = len(list((out / "dicom").rglob("*.dcm")))
        found = server.listed("SEG") + server.listed("SR")
        what = "objects made, and found in the archive after three times `--stow`"
        yield Figure(what, f"{made}; {found}", made == found == server.count() - before)


class Scanner(threading.Thread):
    """Sends a series over one association; notes what was accepted, and goes on with the rest when it is told to."""

    def __init__(self, series: str) -> None:
        super().__init__(daemon=True)
        self.left = pictures(EACH, series)
        self.accepted: list[str] = []
        self.port = 0
        self.pause_s = 0.05

    def run(self) -> None:
        """Send what is left, until all is accepted or the node is gone."""
        ae = AE(ae_title="SCANNER")
        ae.add_requested_context(US)
        association = ae.associate("127.0.0.1", self.port, ae_title="USSEG")
        while self.left and association.is_established:
            with suppress(RuntimeError, ValueError):
                if association.send_c_store(self.left[0]).get("Status") != 0:
                    break
                self.accepted.append(str(self.left.pop(0).SOPInstanceUID))
                time.sleep(self.pause_s)
                continue
            break
        if association.is_established:
            association.release()


class NodeProcess:
    """A node in a process of its own."""

    def __init__(self, store: Path, port: int, target: object) -> None:
        line = ["dicom", "node", "--task", "fetal_head", "--store", store, "--forward", target, "--port", port, "--json", "--settle", 1]
        words = [sys.executable, "-m", "usseg_monai", *map(str, [*line, "--min-free-mb", 100])]
        self.log = store.parent / "node.jsonl"
        self.begun = self.log.stat().st_size if self.log.is_file() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log)
        wait_for(lambda: bool(self.events("listening")))

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of this process."""
        lines = self.log.read_bytes()[self.begun :].decode().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def peak_mb(self) -> float:
        """Largest resident memory of the node until now."""
        return peak_mb(self.process.pid)

    def jobs_mb(self) -> float:
        """Largest resident memory of the processes that do its jobs now; 0 without any."""
        pid = self.process.pid
        found = [0.0]
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with suppress(OSError, IndexError):  # ended meanwhile
                found += [peak_mb(int(child)) for child in task.read_text().split()]
        return max(found)


def peak_mb(pid: int) -> float:
    """Largest resident memory of a process until now."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def node_figures(folder: Path) -> Iterator[Figure]:
    """A node with four senders, a broken file, a report and bytes of HTTP, killed midway."""
    folder.mkdir(parents=True)
    with archive(folder / "two") as server:
        store, port = folder / "store", free_port()
        target = f"ORTHANC@127.0.0.1:{server.dicom}"
        scanners = [Scanner(f"series {number}") for number in range(ASSOCIATIONS)]
        node = NodeProcess(store, port, target)
        report, http = foreign(port)
        send(scanners, port, lambda: sum(len(scanner.accepted) for scanner in scanners) > ASSOCIATIONS * EACH // 2)
        peak = node.peak_mb()
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        at_kill = sum(len(scanner.accepted) for scanner in scanners)
        node = NodeProcess(store, port, target)
        again = []
        for old in scanners:
            old.join()
            new = Scanner("none")
            new.left, new.accepted = old.left, old.accepted
            again.append(new)
        broken = pictures(1, "broken")[0]
        broken.PixelData = broken.PixelData[:100]
        last = Scanner("none")
        last.left = [broken]
        send([*again, last], port, lambda: all(not scanner.left for scanner in (*again, last)))
        accepted = {uid for scanner in again for uid in scanner.accepted}
        jobs = 0.0
        idle: list[dict[str, Any]] = []
        while not idle or idle[-1]["waiting"] or idle[-1]["accepted"] <= len(accepted) - at_kill:
            time.sleep(0.02)
            jobs, idle = max(jobs, node.jobs_mb()), node.events("idle")
        peak = max(peak, node.peak_mb())
        node.process.terminate()
        ended = node.process.wait()
        reported = images_reported(server, folder / "reports")
        aside = {file.stem for file in (store / "failed").rglob("*.dcm")}
        sent = ASSOCIATIONS * EACH
        what = "images sent over 4 associations, accepted before `kill -9`, accepted in all"
        yield Figure(what, f"{sent}, {at_kill}, {len(accepted)}", len(accepted) == sent)
        yield Figure("accepted and not reported in the archive (lost)", str(len(accepted - reported)), accepted <= reported)
        doubled = server.listed("SEG") + server.listed("SR") - 2 * sent
        yield Figure("objects too many in the archive", str(doubled), doubled == 0)
        yield Figure("broken images set aside, with the reason", str(len(aside)), aside == {str(broken.SOPInstanceUID)})
        yield Figure("report refused by its context; bytes of HTTP end their connection", f"{yes(report)}; {yes(http)}", report and http)
        yield Figure("exit code after SIGTERM", str(ended), ended == 0)
        what = "largest memory of the node, and of a process that does a job of it"
        yield Figure(what, f"{peak:.0f} MB, {jobs:.0f} MB", 0 < max(peak, jobs) <= _MOST_MB)


def send(scanners: Sequence[Scanner], port: int, until: Callable[[], bool]) -> None:
    """Let scanners send at once until something holds."""
    for scanner in scanners:
        scanner.port = port
        scanner.start()
    wait_for(until)


def foreign(port: int) -> tuple[bool, bool]:
    """Whether a report is refused by its context, and whether bytes of HTTP end their connection."""
    ae = AE(ae_title="SCANNER")
    ae.add_requested_context(SR)
    association = ae.associate("127.0.0.1", port, ae_title="USSEG")
    report = not association.accepted_contexts
    ended = False
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(TimeoutError):
            with suppress(ConnectionError):
                while connection.recv(1024):
                    pass
            ended = True
    return report, ended


def images_reported(server: Archive, folder: Path) -> set[str]:
    """Identifiers of the images that reports in the archive refer to."""
    usseg("dicom", "pull", server.web, "--query", "Modality=SR", "-o", folder)
    found = set()
    for file in folder.rglob("[0-9]*.dcm"):
        for study in pydicom.dcmread(file).CurrentRequestedProcedureEvidenceSequence:
            for series in study.ReferencedSeriesSequence:
                found |= {str(item.ReferencedSOPInstanceUID) for item in series.ReferencedSOPSequence}
    return found


def yes(true: bool) -> str:
    """Truth as a word."""
    return "yes" if true else "no"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table of Markdown."""
    return "\n".join(["| What | Found |", "|---|---|", *(f"| {figure.what} | {figure.value} |" for figure in figures)])


def main() -> int:
    """Measure, print, and return 1 if something is not as promised."""
    parser = argparse.ArgumentParser(description="Hospital traffic against a real archive.")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/how_to/hospital.md")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not PLUGIN.is_file():
        print("Orthanc is not installed: apt-get install --no-install-recommends orthanc orthanc-dicomweb", file=sys.stderr)
        return 2
    if not args.inside:
        again = [sys.executable, "-m", "benchmarks.dicom_node", *sys.argv[1:], "--inside"]
        shell = ["unshare", "-n" if os.geteuid() == 0 else "-rn", "bash", "-c", 'ip link set lo up && exec "$@"', "bash"]
        return subprocess.run([*shell, *again], check=False).returncode
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for measured in (node_figures(Path(folder, "node")), archive_figures(Path(folder, "archive"))):
            for figure in measured:
                print(f"{'ok' if figure.ok else 'NOT AS PROMISED'}: {figure.what}: {figure.value}", flush=True)
                figures.append(figure)
    if args.update_docs:
        write_text(DOCS, insert_table(DOCS.read_text(encoding="utf-8"), "node", table(figures)))
    return 0 if all(figure.ok for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
