"""Loopback is reached without the proxy of the environment."""

import os

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
