"""The command ``usseg app``; `tests.web.test_server` starts it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from usseg_monai.cli import main
from usseg_monai.web import server


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "usseg_monai.web.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["app"]) == 1
    assert "needs uvicorn" in (text := capsys.readouterr().err) and "usseg-monai[web]" in text


def test_options_reach_the_server(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Any] = []

    def serve(host: str, port: int, *, address: str, browser: bool, tell: Any) -> None:
        asked.append((host, port, address, browser))
        tell("http://127.0.0.1:1/")

    monkeypatch.setattr(server, "serve", serve)
    assert main(["app", "--port", "8765", "--no-browser"]) == 0 and main(["app", "--host", "0.0.0.0", "--address", "http://a"]) == 0
    assert asked == [("127.0.0.1", 8765, "", False), ("0.0.0.0", 0, "http://a", True)]
    assert "open http://127.0.0.1:1/" in capsys.readouterr().out
