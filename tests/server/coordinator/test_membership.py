"""Flower's state is made to agree with members.json; the SuperLink is real."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.server.coordinator.membership import Membership
from hepafed.server.flower.control import Control
from hepafed.server.flower.superlink import SuperLink
from hepafed.server.members import LedgerHeads, Members
from hepafed.server.setup import initialise


class Running:
    """A SuperLink over a home, and who is enrolled."""

    def __init__(self, home: Path) -> None:
        initialise(home, "localhost:1", "127.0.0.1", datetime.now(UTC))
        self.home = home
        self.superlink = SuperLink(home)
        self.control = Control(self.superlink)
        self.members = Members(home)
        self.membership = Membership(self.members, self.control, LedgerHeads(home))

    def enrol(self, site: str) -> None:
        token, _ = self.members.invite(site, "train", 24, datetime.now(UTC))
        key = ec.generate_private_key(ec.SECP384R1()).public_key()
        form = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.membership.enrol(token, key.public_bytes(*form).decode(), "0" * 64)

    def nodes(self) -> dict[str, str]:
        return {s.site: s.node for s in self.members.sites().values()}

    def restart(self) -> None:
        self.superlink.stop()
        self.superlink.start()
        self.membership.restore()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    try:
        made.superlink.start()
        for site in ("a", "b", "c"):
            made.enrol(site)
        yield made
    finally:
        made.superlink.stop()


def test_registrations_that_flower_lost_are_made_again_for_enrolled_sites_alone(
    running: Running,
) -> None:
    before = running.nodes()
    running.membership.revoke("b")
    running.superlink.stop()
    for path in (running.home / "flower").glob("state.db*"):
        path.unlink()
    running.restart()
    after = running.nodes()
    assert running.control.registered_nodes() == {after["a"], after["c"]}
    assert after["b"] == before["b"]
    running.restart()
    assert running.nodes() == after


def test_a_site_that_somebody_shut_out_is_named_and_the_others_stay(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    before = running.nodes()
    running.control.unregister(before["a"])
    with caplog.at_level(logging.ERROR, "hepafed.server"):
        running.membership.restore()
    assert "shut out a's key" in caplog.text
    assert "state.db" in caplog.text
    assert running.nodes() == before
    assert running.control.registered_nodes() == {before["b"], before["c"]}


def test_a_site_revoked_while_flower_was_away_is_shut_out_at_the_next_start(
    running: Running,
) -> None:
    running.members.revoke("c")
    running.membership.restore()
    assert running.control.registered_nodes() == {running.nodes()[s] for s in "ab"}
