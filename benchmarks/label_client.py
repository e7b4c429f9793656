"""Start the label server as a process and speak to it over HTTP as viewers do, with nothing but the standard library."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

__all__ = ["Answer", "LabelServer", "label_python", "serving"]

REPOSITORY = Path(__file__).resolve().parents[1]

_STARTED_WITHIN_S = 90
_ENDED_WITHIN_S = 20


def label_python() -> Path:
    """Python of the environment that ``make label`` sets up; the file may not exist."""
    return REPOSITORY / ".venv-label" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass(frozen=True)
class Answer:
    """Answer to a request.

    Attributes:
        status: of HTTP.
        kind: media type.
        body: content.
        headers: by name in lower case.
    """

    status: int
    kind: str
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The content as JSON."""
        return json.loads(self.body)

    @property
    def detail(self) -> str:
        """The reason of a refusal."""
        return str(self.json["detail"])

    def parts(self) -> dict[str, tuple[str, bytes]]:
        """Parts of a multipart answer: file name and content by name."""
        message = BytesParser().parsebytes(b"Content-Type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + self.body)
        found = {}
        for part in message.walk():
            name = part.get_param("name", header="content-disposition")
            if name:
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                found[str(name)] = part.get_filename() or "", content
        return found


class LabelServer:
    """A server at an address.

    Args:
        port: on 127.0.0.1.
        key: sent with every request, if any.
    """

    def __init__(self, port: int, key: str | None = None) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        params: Any = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Answer:
        """One request.

        Args:
            method: of HTTP.
            path: of the address.
            query: of the address.
            params: sent as the form field ``params``, as JSON unless it is a text.
            files: sent in the form: name and content by field.
            body: sent as JSON, without a form.
            headers: in addition.
            timeout: in seconds.
        """
        content, kind = None, {}
        if body is not None:
            content, kind = json.dumps(body).encode(), {"Content-Type": "application/json"}
        elif params is not None or files:
            fields = {} if params is None else {"params": params if isinstance(params, str) else json.dumps(params)}
            content, boundary = _form(fields, files or {})
            kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            address = f"{path}?{urlencode(query)}" if query else path
            connection.request(method, address, content, {**self.headers, **kind, **(headers or {})})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found.get("content-type", ""), answer.read(), found)
        finally:
            connection.close()

    def infer(self, model: str, image: str = "", output: str = "", params: Any = None, file: tuple[str, bytes] | None = None) -> Answer:
        """Infer on one of the studies, or on a file."""
        files = None if file is None else {"file": file}
        return self.call("POST", f"/infer/{model}", query={"image": image, "output": output}, params=params, files=files)

    def submit(self, image: str, label: tuple[str, bytes], params: Any, tag: str = "final") -> Answer:
        """Submit a label."""
        return self.call("PUT", "/datastore/label", query={"image": image, "tag": tag}, params=params, files={"label": label})

    def wait(self, path: str, seconds: float) -> dict[str, Any]:
        """Status of the last task of a kind (``/train/``) once no task of this kind runs or waits.

        Raises:
            TimeoutError: one does after that time.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            tasks: list[dict[str, Any]] = self.call("GET", path, query={"all": "true"}).json
            if all(task["status"] not in ("SUBMITTED", "RUNNING") for task in tasks):
                return tasks[-1]
            time.sleep(0.3)
        raise TimeoutError(f"{path} still runs after {seconds} s: {tasks[-1]}")


@contextmanager
def serving(
    folder: Path,
    *,
    models: Sequence[str] = (),
    key: str | None = None,
    command: Sequence[str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[tuple[LabelServer, subprocess.Popen[bytes]]]:
    """Run a label server on a folder of images; yields it when it answers, with its process.

    Args:
        folder: of images.
        models: tasks to offer; all by default.
        key: that requests must bring.
        command: in place of our own, ``PORT`` standing for the port; for other apps.
        variables: of the environment, in addition.

    What it prints goes to a file beside the folder.

    Raises:
        RuntimeError: it ended, or does not answer in time; the message ends with its output.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [str(label_python()), "-m", "usseg_monai.label_app", str(folder), "--port", "PORT"]
    words += ["--models", ",".join(models)] if models else []
    words = [str(port) if word == "PORT" else word for word in (command or words)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "MONAI_LABEL"))}
    environment |= {"PYTHONPATH": str(REPOSITORY)} | ({"USSEG_LABEL_KEY": key} if key else {}) | dict(variables or {})
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder.parent)
    server = LabelServer(port, key)
    try:
        _wait_for(server, process, log)
        yield server, process
    finally:
        process.terminate()
        try:
            process.wait(_ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: LabelServer, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if server.call("GET", "/info/", timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server does not answer ({process.poll()}):\n{log.read_text(errors='replace')[-3000:]}")


def _form(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    for name, (file, content) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), boundary
