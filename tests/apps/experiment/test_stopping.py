import os
import signal
import subprocess
import sys

import pytest

from apps.experiment.stopping import Signals, StoppedError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_once_where_nobody_can_save(number):
    before = signal.getsignal(number)
    with pytest.raises(StoppedError, match=signal.Signals(number).name) as stop, Signals():
        os.kill(os.getpid(), number)
    assert stop.value.status == 128 + number
    assert signal.getsignal(number) is before


def test_who_can_save_is_told_and_decides_when_to_stop():
    told = []
    with Signals() as signals:
        signals.listener = told.append
        os.kill(os.getpid(), signal.SIGTERM)
        assert [stop.number for stop in told] == [signal.SIGTERM]
        with pytest.raises(StoppedError):  # it came too late for the listener
            signals.check()


def test_what_must_not_be_cut_short_is_not():
    done = []

    def export(signals):
        with signals.held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("exported")

    with Signals() as signals, pytest.raises(StoppedError):
        export(signals)
    assert done == ["exported"]
    with Signals() as signals:
        with signals.held():
            pass
        signals.check()


def test_a_second_signal_ends_the_process():
    code = (
        "import os, signal\n"
        "from apps.experiment.stopping import Signals\n"
        "with Signals() as signals, signals.held():\n"
        "    for _ in range(2):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('not reached')\n"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (got.returncode, got.stdout) == (-signal.SIGTERM, "")
