"""A site's pseudonyms come from one key, made once."""

import hmac
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hepafed.client import pseudonyms
from hepafed.client.pseudonyms import Pseudonyms


def test_two_first_ingests_at_once_share_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, make = Barrier(4), pseudonyms.make_key

    def all_find_none(path: Path) -> None:
        at_once.wait(10)
        make(path)

    monkeypatch.setattr(pseudonyms, "make_key", all_find_none)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: Pseudonyms(tmp_path).of("patient", "1"), range(4)))
    assert len(set(made)) == 1
    assert made[0] == Pseudonyms(tmp_path).of("patient", "1")


def test_the_key_makes_the_home_it_lies_in(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    assert Pseudonyms(home).of("patient", "1") == Pseudonyms(home).of("patient", "1")


def test_a_pseudonym_is_the_hmac_of_its_kind_and_identity_under_the_home_s_key(
    tmp_path: Path,
) -> None:
    (tmp_path / "pseudonym.key").write_bytes(b"k" * 32)
    wanted = hmac.digest(b"k" * 32, b"lesion\0P1\0L1", "sha256").hex()[:20]
    assert Pseudonyms(tmp_path).of("lesion", "P1", "L1") == wanted


def test_a_fresh_key_has_32_bytes_for_the_owner_alone_and_differs_by_home(tmp_path: Path) -> None:
    made = {Pseudonyms(tmp_path / n).of("patient", "1") for n in "ab"}
    assert len(made) == 2
    key = tmp_path / "a/pseudonym.key"
    assert len(key.read_bytes()) == 32
    assert key.stat().st_mode & 0o077 == 0
