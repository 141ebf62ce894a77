"""Other sites' identities are pinned; a changed one is refused until a person says otherwise."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.release.peers import Peers, read_roster
from hepafed.common.certificates import make_node_key
from hepafed.common.contract.config import SiteConfig, write_toml
from hepafed.common.disclosure.masking import fingerprint
from hepafed.common.errors import ConfigError, RefusedError, UsageError

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def lines(tmp_path: Path) -> dict[str, str]:
    return {n: make_node_key(tmp_path / n / "keys" / "node.key") for n in ("a", "b", "c")}


@pytest.fixture
def home(tmp_path: Path, lines: dict[str, str]) -> Path:
    assert lines
    config = SiteConfig(site="a", role="validate", address="localhost:1")
    write_toml(config, tmp_path / "a" / "site.toml")
    return tmp_path / "a"


def client(home: Path, *words: str) -> str:
    done = CliRunner().invoke(main, ["--home", str(home), "peers", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_first_identity_is_pinned_and_held(home: Path, lines: dict[str, str]) -> None:
    peers = Peers(home)
    peers.check({"a": lines["a"], "b": lines["b"]}, "first-use", "a", NOW)
    assert set(peers.all()) == {"b"}
    peers.check({"a": lines["a"], "b": lines["b"]}, "first-use", "a", NOW)
    with pytest.raises(RefusedError, match="b has another identity"):
        peers.check({"a": lines["a"], "b": lines["c"]}, "first-use", "a", NOW)


def test_nothing_is_pinned_when_one_identity_is_wrong(home: Path, lines: dict[str, str]) -> None:
    peers = Peers(home)
    peers.check({"a": lines["a"], "b": lines["b"]}, "first-use", "a", NOW)
    with pytest.raises(RefusedError):
        peers.check({"c": lines["a"], "b": lines["c"]}, "first-use", "a", NOW)
    assert set(peers.all()) == {"b"}


def test_one_identity_under_two_names_is_refused(home: Path, lines: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="same identity"):
        Peers(home).check(
            {"a": lines["a"], "b": lines["c"], "c": lines["c"]}, "first-use", "a", NOW
        )


def test_confirmed_trust_takes_confirmed_identities_only(home: Path, lines: dict[str, str]) -> None:
    peers, both = Peers(home), {"a": lines["a"], "b": lines["b"]}
    with pytest.raises(RefusedError, match="not confirmed"):
        peers.check(both, "confirmed", "a", NOW)
    peers.check(both, "first-use", "a", NOW)
    with pytest.raises(RefusedError, match="not confirmed"):
        peers.check(both, "confirmed", "a", NOW)
    peers.confirm({"b": fingerprint(lines["b"])}, NOW)
    peers.check(both, "confirmed", "a", NOW)


def test_an_identity_confirmed_before_first_contact_is_held(
    home: Path, lines: dict[str, str]
) -> None:
    client(home, "--confirm", "b", fingerprint(lines["b"]))
    with pytest.raises(RefusedError, match="another identity"):
        Peers(home).check({"b": lines["c"]}, "first-use", "a", NOW)


def test_a_roster_that_differs_from_what_is_pinned_changes_nothing(
    home: Path, lines: dict[str, str]
) -> None:
    peers = Peers(home)
    peers.check({"b": lines["b"]}, "first-use", "a", NOW)
    with pytest.raises(UsageError, match="another fingerprint"):
        peers.confirm({"c": fingerprint(lines["c"]), "b": fingerprint(lines["c"])}, NOW)
    assert {p.site: p.trust for p in peers.all().values()} == {"b": "first-use"}


def test_the_command_vouches_for_a_roster_shows_it_and_forgets(
    home: Path, lines: dict[str, str]
) -> None:
    roster = home / "federation.roster"
    roster.write_text("# all\n" + "".join(f"{n} {fingerprint(x)}\n" for n, x in lines.items()))
    shown = json.loads(client(home, "--roster", str(roster), "--json"))
    assert shown["fingerprint"] == fingerprint(lines["a"])
    assert {p["site"]: p["trust"] for p in shown["peers"]} == {"b": "confirmed", "c": "confirmed"}
    client(home, "--forget", "b")
    assert set(Peers(home).all()) == {"c"}


def test_a_roster_with_a_wrong_fingerprint_of_this_site_is_refused(
    home: Path, lines: dict[str, str]
) -> None:
    roster = home / "federation.roster"
    roster.write_text(f"a {fingerprint(lines['b'])}\n")
    done = CliRunner().invoke(main, ["--home", str(home), "peers", "--roster", str(roster)])
    assert done.exit_code == 2
    assert not (home / "peers.json").exists()


@pytest.mark.parametrize("text", ["b\n", "b x y\n", "B! SHA256:x\n", "b x\nb y\n"])
def test_a_roster_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r"
    path.write_text(text)
    with pytest.raises(UsageError, match="line"):
        read_roster(path)


@pytest.mark.parametrize("shown", ["", "SHA256:abc", "MD5:00"])
def test_a_fingerprint_must_be_one(home: Path, shown: str) -> None:
    with pytest.raises(UsageError, match="fingerprint"):
        Peers(home).confirm({"b": shown}, NOW)


def test_forgetting_what_is_not_known_is_an_error(home: Path) -> None:
    with pytest.raises(UsageError):
        Peers(home).forget("b")


def test_a_damaged_file_pins_nobody_anew_by_itself(home: Path, lines: dict[str, str]) -> None:
    (home / "peers.json").write_text("[]")
    with pytest.raises(ConfigError, match="damaged"):
        Peers(home).check({"b": lines["b"]}, "first-use", "a", NOW)
