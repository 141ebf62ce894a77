"""A transfer is tried again, however long each try takes, and not for ever."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hepafed.client.release.transfer import FEWEST_TRIES, Transfer
from hepafed.common.certificates import make_authority
from hepafed.common.contract.config import SiteConfig
from hepafed.common.errors import UnreachableError


@pytest.fixture
def make_channel(tmp_path: Path) -> Callable[[float], Transfer]:
    """Make a site's channel to a port where nobody listens, without pauses."""
    make_authority(tmp_path / "keys", datetime.now(UTC))
    (tmp_path / "keys" / "token").write_text("t")
    config = SiteConfig(site="a", role="train", address="127.0.0.1:1")
    return lambda patience: Transfer(tmp_path, config, patience, 0.0)


@pytest.mark.parametrize("fail", [FEWEST_TRIES - 1, FEWEST_TRIES, FEWEST_TRIES + 1])
def test_the_fewest_tries_are_made_however_short_the_patience(
    make_channel: Callable[[float], Transfer], fail: int
) -> None:
    """The last of the fewest tries may be the one that ends it."""
    tries = []

    def call() -> str:
        tries.append(1)
        if len(tries) <= fail:
            raise httpx.ReadError("the connection was reset")
        return "whole"

    channel = make_channel(0.0)
    if fail < FEWEST_TRIES:
        assert channel.tried(call) == "whole"
    else:
        with pytest.raises(UnreachableError, match="does not answer"):
            channel.tried(call)
        assert len(tries) == FEWEST_TRIES


def test_while_the_patience_lasts_more_than_the_fewest_tries_are_made(
    make_channel: Callable[[float], Transfer],
) -> None:
    tries = []

    def call() -> str:
        tries.append(1)
        if len(tries) < 3 * FEWEST_TRIES:
            raise httpx.ReadError("the connection was reset")
        return "whole"

    assert make_channel(60.0).tried(call) == "whole"


def test_a_server_that_never_answers_is_given_up(
    make_channel: Callable[[float], Transfer],
) -> None:
    with pytest.raises(UnreachableError, match="does not answer"):
        make_channel(0.1).send("t2-1a2b3c", 1, b"1234")
