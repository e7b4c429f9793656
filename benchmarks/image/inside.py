"""Runs an image's programs as a container engine would, with a read-only root: the part of the check within ``unshare --mount --net``.

    unshare --mount --net -- python -m benchmarks.image.inside PLAN

PLAN is JSON: ``root`` (folder with the image's files), ``images``, ``out`` and ``studies`` (folders for ``/in``, ``/out`` and ``/images``),
``config`` (the image's), ``predict`` (command line of a prediction in the container). Prints `Seen` as JSON.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Seen", "main"]

_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x41
_START_S = 300.0
_WRITE = (
    "import sys\ntry:\n    open(sys.argv[1] + '/x', 'w').close()\nexcept OSError as error:\n    print(error.errno)\nelse:\n    print(0)"
)


@dataclass
class Seen:
    """What was seen.

    Attributes:
        user: ids of user and group of a program of the image.
        network: names of the network interfaces that it has.
        writes: error number of writing to a folder, 0 if it can be written.
        predicted: exit code of the prediction.
        healthy: exit code of the health check while the server runs.
        tasks: that the server offers, the page to a browser with its key.
        stopped: exit code of the server after the image's stop signal.
        unhealthy: exit code of the health check afterwards.
    """

    user: str
    network: list[str]
    writes: dict[str, int]
    predicted: int
    healthy: int
    tasks: list[str]
    stopped: int
    unhealthy: int


class Container:
    """The image's files as root of the file system, for the image's user.

    Args:
        root: folder with the files; is read-only afterwards, within this process and its children.
        config: of the image.
        volumes: folders by their places in the container; ``/in`` is read-only, too.
    """

    def __init__(self, root: Path, config: dict[str, Any], volumes: dict[str, str]) -> None:
        self._root, self._config = root, config
        _mount("--bind", root, root)
        _mount("-t", "tmpfs", "tmpfs", root / "tmp")
        _mount("-t", "proc", "proc", root / "proc")
        _mount("--rbind", "/dev", root / "dev")
        for place, folder in volumes.items():
            _mount("--bind", folder, root / place.lstrip("/"))
        _mount("-o", "remount,bind,ro", root)
        _mount("-o", "remount,bind,ro", root / "in")

    def start(self, *words: str, quiet: bool = False) -> subprocess.Popen[str]:
        """Start a program of the image; without its messages if `quiet`."""
        variables = dict(pair.split("=", 1) for pair in self._config["Env"])
        command = [shutil.which("chroot") or "chroot", f"--userspec={self._config['User']}", str(self._root), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, env=variables, text=True)

    def run(self, *words: str, quiet: bool = False) -> tuple[int, str]:
        """Run a program of the image; returns exit code and what it printed."""
        process = self.start(*words, quiet=quiet)
        printed, _ = process.communicate(timeout=600)
        return process.returncode, printed


def main() -> int:
    """Carry out the plan in the first argument."""
    plan = json.loads(sys.argv[1])
    config = plan["config"]
    _loopback()
    container = Container(Path(plan["root"]), config, {"/in": plan["images"], "/out": plan["out"], "/images": plan["studies"]})
    user = container.run("python", "-c", "import os; print(os.getuid(), os.getgid())")[1].strip()
    writes = {place: int(container.run("python", "-c", _WRITE, place)[1]) for place in ("/out", "/tmp", "/in", "/images", "/opt/usseg")}
    predicted, _ = container.run(*plan["predict"])
    health = config["Healthcheck"]["Test"][1:]

    server = container.start(*config["Entrypoint"], *config["Cmd"])
    try:
        deadline = time.monotonic() + _START_S
        while (healthy := container.run(*health, quiet=True)[0]) and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.5)
        tasks = [] if healthy else _tasks_of_the_page(server) if "app" in config["Cmd"] else _tasks_of_the_label_server()
        server.send_signal(signal.Signals[config["StopSignal"]])
        stopped = server.wait(60)
    finally:
        server.kill()
    network = [name for _, name in socket.if_nameindex()]
    print(json.dumps(asdict(Seen(user, network, writes, predicted, healthy, tasks, stopped, container.run(*health, quiet=True)[0]))))
    return 0


def _tasks_of_the_page(server: subprocess.Popen[str]) -> list[str]:
    assert server.stdout is not None
    address, _, key = server.stdout.readline().split()[1].partition("#")
    with urllib.request.urlopen(urllib.request.Request(f"{address}call/facts", headers={"x-usseg": key}), timeout=30) as answer:
        return [task["name"] for task in json.load(answer)["tasks"]]


def _tasks_of_the_label_server() -> list[str]:
    with urllib.request.urlopen("http://127.0.0.1:8000/info/", timeout=60) as answer:
        return list(json.load(answer)["models"])


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def _loopback() -> None:
    """Bring up the loopback interface of a new network namespace, as engines do."""
    import fcntl  # not on Windows, where the tests import this module

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


if __name__ == "__main__":
    sys.exit(main())
