"""Loopback is reached without the proxy of the environment; a closed terminal ends a process."""

import os
import signal
import subprocess
import sys

import pytest
from hepafed.common.processes import keep_loopback_direct


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "127.0.0.1,localhost"),
        ("", "127.0.0.1,localhost"),
        ("intranet.example", "intranet.example,127.0.0.1,localhost"),
        ("localhost", "localhost,127.0.0.1"),
        ("127.0.0.1,localhost", "127.0.0.1,localhost"),
        ("*", "*"),
    ],
)
def test_loopback_is_added_to_what_goes_past_the_proxy(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        if before is not None:
            monkeypatch.setenv(name, before)
    keep_loopback_direct()
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (after, after)
    keep_loopback_direct()
    assert os.environ["NO_PROXY"] == after


@pytest.mark.parametrize(("ignored", "goes_on"), [(False, False), (True, True)])
def test_a_closed_terminal_ends_a_process_as_sigterm_does_but_not_under_nohup(
    ignored: bool, goes_on: bool
) -> None:
    program = (
        "import os, signal, sys, time\n"
        f"if {ignored}: signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('ended in order'))\n"
        "from hepafed.common.processes import end_on_hangup\n"
        "end_on_hangup()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
        "print('goes on')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode not in (-signal.SIGHUP,)
    assert ("goes on" in done.stdout) is goes_on
    assert ("ended in order" in done.stderr) is not goes_on
