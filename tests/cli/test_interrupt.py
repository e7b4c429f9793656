"""Ctrl-C, once and several times."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from usseg_monai.cli import interrupt as module
from usseg_monai.cli.interrupt import orderly_interrupts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def listening() -> object:
    """A suite that runs in the background ignores SIGINT."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


def test_only_the_first_one_is_raised_and_later_ones_do_not_disturb_the_end() -> None:
    ended = False
    with pytest.raises(KeyboardInterrupt), orderly_interrupts():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            ended = True
    assert ended and signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_without_an_interrupt_nothing_changes() -> None:
    with orderly_interrupts():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_ignores_interrupts_goes_on_to_ignore_them() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with orderly_interrupts():
        signal.raise_signal(signal.SIGINT)


def test_in_another_thread_it_does_nothing() -> None:
    seen: list[object] = []

    def work() -> None:
        with orderly_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_an_end_that_hangs_can_be_ended() -> None:
    program = """
import signal, time
from usseg_monai.cli import interrupt
interrupt._PATIENCE_SECONDS = 0.05
signal.signal(signal.SIGINT, signal.default_int_handler)
with interrupt.orderly_interrupts():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        time.sleep(0.1)
        signal.raise_signal(signal.SIGINT)
        time.sleep(60)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (run.returncode, run.stderr) == (module.INTERRUPTED, "")
