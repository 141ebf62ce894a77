"""What is written down of another site, who writes it, and what a roster's lines may be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from hepafed.client.release.peers import (
    Peer,
    Peers,
    own_fingerprint,
    read_own_identity,
    read_roster,
)
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.config import SiteConfig, write_toml
from hepafed.common.disclosure import fingerprint
from hepafed.common.errors import ConfigError, RefusedError, UsageError

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
LATER = NOW + timedelta(days=9)
SHOWN = {n: "SHA256:" + n * 43 for n in "abcd"}


@pytest.fixture
def lines(tmp_path: Path) -> dict[str, str]:
    return {n: make_node_key(tmp_path / n) for n in "abcd"}


def pinned(site: str, shown: str, trust: str, since: str = "2026-01-02T03:04:05+00:00") -> Peer:
    return Peer(site=site, fingerprint=shown, trust=trust, since=since)


def test_a_first_exchange_pins_every_other_site_from_that_second_on(
    tmp_path: Path, lines: dict[str, str]
) -> None:
    peers = Peers(tmp_path)
    peers.check({n: lines[n] for n in "cab"}, "first-use", "b", NOW)
    shown = {n: fingerprint(lines[n]) for n in "ac"}
    assert peers.all() == {n: pinned(n, shown[n], "first-use") for n in "ac"}
    peers.check({n: lines[n] for n in "dcb"}, "first-use", "b", LATER)
    assert peers.all() == {
        **{n: pinned(n, shown[n], "first-use") for n in "ac"},
        "d": pinned("d", fingerprint(lines["d"]), "first-use", "2026-01-11T03:04:05+00:00"),
    }
    written = json.loads((tmp_path / "peers.json").read_text())["peers"]
    assert [p["site"] for p in written] == ["a", "c", "d"]


def test_an_exchange_with_known_sites_writes_nothing(tmp_path: Path, lines: dict[str, str]) -> None:
    peers = Peers(tmp_path)
    peers.check({"a": lines["a"]}, "first-use", "a", NOW)
    assert list(tmp_path.glob("peers.json")) == []
    peers.confirm({"b": fingerprint(lines["b"])}, NOW)
    path = tmp_path / "peers.json"
    before = (path.read_bytes(), path.stat().st_ino)
    peers.check({"a": lines["a"], "b": lines["b"]}, "confirmed", "a", LATER)
    assert (path.read_bytes(), path.stat().st_ino) == before


def test_a_changed_or_unconfirmed_identity_is_refused_with_what_to_do(
    tmp_path: Path, lines: dict[str, str]
) -> None:
    peers = Peers(tmp_path)
    both = {"a": lines["a"], "b": lines["b"]}
    with pytest.raises(RefusedError, match="the identity of b is not confirmed here") as found:
        peers.check(both, "confirmed", "a", NOW)
    assert found.value.hint.endswith(f"client peers --confirm b {fingerprint(lines['b'])}")
    peers.check(both, "first-use", "a", NOW)
    with pytest.raises(RefusedError, match="b has another identity") as found:
        peers.check({"a": lines["a"], "b": lines["c"]}, "first-use", "a", NOW)
    assert found.value.hint.endswith("client peers --forget b")


def test_a_person_s_word_is_added_to_what_is_pinned(tmp_path: Path, lines: dict[str, str]) -> None:
    peers = Peers(tmp_path)
    peers.check({n: lines[n] for n in "abc"}, "first-use", "a", NOW)
    shown = {n: fingerprint(lines[n]) for n in "bcd"}
    peers.confirm({"d": shown["d"], "b": shown["b"]}, LATER)
    assert peers.all() == {
        "b": pinned("b", shown["b"], "confirmed"),
        "c": pinned("c", shown["c"], "first-use"),
        "d": pinned("d", shown["d"], "confirmed", "2026-01-11T03:04:05+00:00"),
    }


@pytest.mark.parametrize(
    ("site", "shown"),
    [
        ("B", SHOWN["b"]),
        ("../b", SHOWN["b"]),
        ("b", SHOWN["b"] + "b"),
        ("b", SHOWN["b"][:-1]),
        ("b", "x" + SHOWN["b"]),
        ("b", SHOWN["b"][:-1] + "-"),
        ("b", SHOWN["b"].lower()),
    ],
)
def test_what_is_no_name_or_fingerprint_is_not_pinned(
    tmp_path: Path, site: str, shown: str
) -> None:
    peers = Peers(tmp_path)
    peers.confirm({"a": SHOWN["a"]}, NOW)
    with pytest.raises(UsageError) as found:
        peers.confirm({"c": SHOWN["c"], site: shown}, NOW)
    assert found.value.hint
    assert set(peers.all()) == {"a"}


def test_each_sign_of_a_fingerprint_is_known(tmp_path: Path) -> None:
    shown = "SHA256:" + "AZaz09+/" * 5 + "xyz"
    Peers(tmp_path).confirm({"b": shown}, NOW)
    assert Peers(tmp_path).all()["b"].fingerprint == shown


def test_another_fingerprint_than_the_pinned_one_is_named_with_what_to_do(tmp_path: Path) -> None:
    peers = Peers(tmp_path)
    peers.confirm({"b": SHOWN["b"]}, NOW)
    with pytest.raises(UsageError, match=f"another fingerprint: {SHOWN['b']}") as found:
        peers.confirm({"b": SHOWN["c"]}, NOW)
    assert found.value.hint.endswith("client peers --forget b")


def test_one_identity_is_forgotten_alone(tmp_path: Path) -> None:
    peers = Peers(tmp_path)
    peers.confirm(SHOWN, NOW)
    peers.forget("b")
    assert peers.all() == {n: pinned(n, SHOWN[n], "confirmed") for n in "acd"}
    with pytest.raises(UsageError, match="no identity of b is pinned here") as found:
        peers.forget("b")
    assert found.value.hint == "see client peers"


def test_a_damaged_memory_says_what_moving_it_away_does(tmp_path: Path) -> None:
    (tmp_path / "peers.json").write_text("{")
    with pytest.raises(ConfigError, match=r"peers.json is damaged") as found:
        Peers(tmp_path).all()
    assert "pinned again at the next exchange" in found.value.hint


def test_a_roster_is_a_name_and_a_fingerprint_a_line_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "r"
    long = "a" * 40
    path.write_text(f"# Füssen\n\n  b SHA256:x  # theirs\n{long}\tSHA256:y\n \nb SHA256:x\n9-z z\n")
    assert read_roster(path) == {"b": "SHA256:x", long: "SHA256:y", "9-z": "z"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("b", "is not a site and its fingerprint"),
        ("b x y", "is not a site and its fingerprint"),
        (f"{'b' * 41} x", "is not a site and its fingerprint"),
        ("-b x", "is not a site and its fingerprint"),
        ("b_ x", "is not a site and its fingerprint"),
        ("a other", "names a a second time"),
    ],
)
def test_a_roster_s_first_wrong_line_is_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "r"
    path.write_text(f"# all\na x\n\n{line}\n! !\n")
    with pytest.raises(UsageError, match=f"line 4 of the roster {why}") as found:
        read_roster(path)
    assert "second" in why or found.value.hint == "each line reads: hospital-a SHA256:…"


@pytest.mark.parametrize("content", [None, b"b \xff\n"])
def test_a_roster_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "federation.roster"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot read .*federation.roster") as found:
        read_roster(path)
    assert found.value.hint == "name the coordinator's .roster file"


def test_a_site_s_own_fingerprint_is_that_of_the_key_it_enrolled_with(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as found:
        own_fingerprint(tmp_path)
    assert found.value.hint == "run client join first"
    line = make_node_key(tmp_path / "keys" / "node.key")
    config = SiteConfig(site="mine", role="validate", address="localhost:1")
    write_toml(config, tmp_path / "site.toml")
    assert own_fingerprint(tmp_path) == ("mine", fingerprint(line))


@pytest.mark.parametrize("what", ["missing", "damaged", "of another kind"])
def test_a_key_that_is_not_the_one_of_the_enrolment_is_said(tmp_path: Path, what: str) -> None:
    path = tmp_path / "keys" / "node.key"
    path.parent.mkdir()
    if what == "damaged":
        path.write_text("-----BEGIN")
    elif what != "missing":
        key = ed25519.Ed25519PrivateKey.generate()
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
    why = "is not an elliptic curve key" if "kind" in what else "cannot be read"
    with pytest.raises(ConfigError, match=f"the site's key {why}") as found:
        read_own_identity(tmp_path)
    assert found.value.hint == "client join made it"
