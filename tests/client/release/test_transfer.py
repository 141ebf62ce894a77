"""A transfer is tried again, however long each try takes, and not for ever."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hepafed.client.release import transfer
from hepafed.client.release.transfer import FEWEST_TRIES, Transfer
from hepafed.common.certificates import make_authority
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import UnreachableError


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transfer:
    """A site's channel to a port where nobody listens, without pauses."""
    make_authority(tmp_path / "keys", datetime.now(UTC))
    (tmp_path / "keys" / "token").write_text("t")
    monkeypatch.setattr(transfer, "LONGEST_WAIT_SECONDS", 0.0)
    return Transfer(tmp_path, SiteConfig(site="a", role="train", address="127.0.0.1:1"))


def test_a_try_that_takes_longer_than_the_patience_is_not_the_last(
    channel: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PATIENCE_SECONDS", 0.0)
    tries = []

    def call() -> str:
        tries.append(1)
        if len(tries) < FEWEST_TRIES:
            raise httpx.ReadError("the connection was reset")
        return "whole"

    assert channel._tried(call) == "whole"


def test_a_server_that_never_answers_is_given_up(
    channel: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(UnreachableError, match="does not answer"):
        channel.send("t2-1a2b3c", 1, b"1234")
