"""The engines' log beside the command's own output."""

from __future__ import annotations

import logging
import os
import signal

import pytest

from usseg_monai.cli.engine_log import engine_log


def test_what_is_printed_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with engine_log():
        print("epoch 1")
    print("result")
    assert capsys.readouterr() == ("result\n", "epoch 1\n")


def test_an_interrupt_leaves_no_traceback_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def engine() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            logging.getLogger("engine").exception("terminating")
            raise

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), engine_log():
        engine()
    assert caplog.records == []
    assert signal.getsignal(signal.SIGINT) is before
    logging.getLogger("engine").error("heard again")
    assert len(caplog.records) == 1
