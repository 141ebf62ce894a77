"""An invite works once and for a time; a token opens what it was made for and no more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hepafed.common.errors import ConfigError, EnrolmentError, RefusedError
from hepafed.server.members.roster import Members, digest_of

OWN = digest_of("made by the site")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_invite_enrols_once(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, _ = members.invite("a", "train", 1, NOW)
    entry = members.invited(token, NOW)
    members.enrol(entry, "key", OWN, "7", NOW)
    assert members.site_of("made by the site").site == "a"
    with pytest.raises(EnrolmentError):
        members.invited(token, NOW)
    with pytest.raises(EnrolmentError):
        members.enrol(entry, "other", OWN, "8", NOW)
    with pytest.raises(EnrolmentError, match="already"):
        members.invite("a", "train", 1, NOW)


def test_an_invite_expires(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, expires = members.invite("a", "train", 1, NOW)
    assert expires == NOW + timedelta(hours=1)
    with pytest.raises(EnrolmentError, match="expired"):
        members.invited(token, NOW + timedelta(hours=1, seconds=1))


def test_a_revoked_site_is_shut_out(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, _ = members.invite("a", "train", 1, NOW)
    members.enrol(members.invited(token, NOW), "key", OWN, "7", NOW)
    members.revoke("a")
    with pytest.raises(RefusedError):
        members.site_of("made by the site")
    assert members.enrolled_before(token, "key", OWN, NOW) is None


def test_the_key_that_spent_an_invite_may_ask_again_until_it_expires(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, expires = members.invite("a", "train", 1, NOW)
    assert members.enrolled_before(token, "key", OWN, NOW) is None
    enrolled = members.enrol(members.invited(token, NOW), "key", OWN, "7", NOW)
    before = (tmp_path / "members.json").read_bytes()
    assert members.enrolled_before(token, "key", OWN, expires) == enrolled
    later = expires + timedelta(seconds=1)
    assert members.enrolled_before(token, "key", OWN, later) is None
    assert members.enrolled_before("guessed", "key", OWN, NOW) is None
    assert members.enrolled_before(token, "another", OWN, NOW) is None
    assert members.enrolled_before(token, "key", digest_of("thief"), NOW) is None
    assert (tmp_path / "members.json").read_bytes() == before


def test_no_token_is_kept_in_the_clear(tmp_path: Path) -> None:
    members = Members(tmp_path)
    tokens = [members.invite("a", "train", 1, NOW)[0], members.grant("eve", "evaluator")[0]]
    text = (tmp_path / "members.json").read_text()
    assert not any(t in text for t in tokens)
    assert (tmp_path / "members.json").stat().st_mode & 0o777 == 0o600
    assert members.person_of(tokens[1]).role == "evaluator"
    with pytest.raises(RefusedError):
        members.person_of("")


def test_a_second_grant_takes_the_place_of_the_first_and_says_so(tmp_path: Path) -> None:
    members = Members(tmp_path)
    first, replaced = members.grant("eva", "evaluator")
    assert not replaced
    second, replaced = members.grant("eva", "evaluator")
    assert replaced
    assert members.person_of(second).name == "eva"
    with pytest.raises(RefusedError):
        members.person_of(first)


@pytest.mark.parametrize("damage", ["", '{"sites', "[]", '{"sites": []}'])
def test_a_damaged_file_forgets_nobody(tmp_path: Path, damage: str) -> None:
    (tmp_path / "members.json").write_text(damage)
    with pytest.raises(ConfigError, match=r"members\.json is damaged") as caught:
        Members(tmp_path).invite("a", "train", 1, NOW)
    assert "copy" in caught.value.hint
    assert (tmp_path / "members.json").read_text() == damage


def test_a_revoked_site_returns_with_a_new_invite_and_new_keys(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, _ = members.invite("a", "train", 1, NOW)
    members.enrol(members.invited(token, NOW), "key", OWN, "7", NOW)
    members.revoke("a")
    again, _ = members.invite("a", "validate", 1, NOW)
    with pytest.raises(EnrolmentError):
        members.invited(token, NOW)
    entry = members.enrol(members.invited(again, NOW), "new key", digest_of("new"), "9", NOW)
    assert (entry.role, entry.revoked, entry.node) == ("validate", False, "9")
    assert members.site_of("new") == entry
    with pytest.raises(RefusedError):
        members.site_of("made by the site")


def test_a_new_invite_takes_the_place_of_an_unused_one(tmp_path: Path) -> None:
    members = Members(tmp_path)
    first, _ = members.invite("a", "train", 1, NOW)
    second, _ = members.invite("a", "train", 1, NOW)
    with pytest.raises(EnrolmentError, match="unknown or was used"):
        members.invited(first, NOW)
    assert members.invited(second, NOW).site == "a"


def test_an_invite_is_valid_until_its_last_moment_and_for_its_own_site(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, expires = members.invite("b", "validate", 2.5, NOW)
    members.invite("a", "train", 1, NOW)
    entry = members.invited(token, expires)
    assert (entry.site, entry.role) == ("b", "validate")
    assert expires == NOW + timedelta(hours=2, minutes=30)


def test_each_site_and_person_is_found_by_its_own_token(tmp_path: Path) -> None:
    members = Members(tmp_path)
    for n, name in enumerate("abc"):
        token, _ = members.invite(name, "train", 1, NOW)
        own = digest_of(f"own {name}")
        members.enrol(members.invited(token, NOW), f"key {name}", own, str(n), NOW)
    people = {
        name: members.grant(name, role)[0]
        for name, role in (("eva", "evaluator"), ("ann", "coordinator"))
    }
    assert [members.site_of(f"own {n}").site for n in "cab"] == ["c", "a", "b"]
    assert members.person_of(people["eva"]).role == "evaluator"
    assert members.person_of(people["ann"]).role == "coordinator"
    with pytest.raises(RefusedError):
        members.person_of("own a")
    with pytest.raises(RefusedError):
        members.site_of(people["eva"])
    members.revoke("b")
    assert members.site_of("own c").site == "c"
    with pytest.raises(RefusedError, match="no site d"):
        members.revoke("d")


def test_an_invite_of_a_revoked_site_is_dead(tmp_path: Path) -> None:
    members = Members(tmp_path)
    token, _ = members.invite("a", "train", 1, NOW)
    members.revoke("a")
    with pytest.raises(EnrolmentError):
        members.invited(token, NOW)
