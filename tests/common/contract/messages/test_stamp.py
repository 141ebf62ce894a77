"""A request that its coordinator did not sign, as it is, for this site and time, is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hepafed.common.certificates import make_authority
from hepafed.common.contract.messages import CohortRequest, open_sealed, pack, seal
from hepafed.common.errors import HepaFedError, PayloadError, RefusedError

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
TEXT = pack(CohortRequest(run="c-1"))


def sealed(folder: Path, **values: Any) -> dict[str, str]:  # noqa: ANN401
    if not (folder / "ca.key").exists():
        make_authority(folder, NOW)
    key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    usual = {"site": "s", "requester": "anna", "study": "liver", "now": NOW, "seconds": 60.0}
    return seal(TEXT, key, **{**usual, **values})  # type: ignore[arg-type]


def opened(folder: Path, values: dict[str, Any], at: float = 0.0) -> str:
    now = NOW + timedelta(seconds=at)
    return open_sealed(values, (folder / "ca.pem").read_text(), "s", now)[0]


def test_a_signed_request_is_read_as_it_was_written(tmp_path: Path) -> None:
    values = sealed(tmp_path)
    text, stamp = open_sealed(values, (tmp_path / "ca.pem").read_text(), "s", NOW)
    assert (text, stamp.requester, stamp.study, stamp.site) == (TEXT, "anna", "liver", "s")


@pytest.mark.parametrize("key", ["stamp", "signature"])
def test_a_request_without_a_signature_is_refused(tmp_path: Path, key: str) -> None:
    values = sealed(tmp_path)
    del values[key]
    with pytest.raises(RefusedError, match="not signed"):
        opened(tmp_path, values)


def test_every_changed_character_is_found(tmp_path: Path) -> None:
    values = sealed(tmp_path)
    for key, text in values.items():
        for i in range(0, len(text), 7):
            other = "A" if text[i] != "A" else "B"
            with pytest.raises(HepaFedError):
                opened(tmp_path, {**values, key: text[:i] + other + text[i + 1 :]})
    with pytest.raises(RefusedError, match="changed after it was signed"):
        opened(tmp_path, {**values, "json": pack(CohortRequest(run="c-2"))})
    assert opened(tmp_path, values) == TEXT


def test_another_coordinator_s_signature_is_refused(tmp_path: Path) -> None:
    sealed(tmp_path)
    with pytest.raises(RefusedError, match="not of the coordinator"):
        opened(tmp_path, sealed(tmp_path / "other"))


def test_a_request_for_another_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="another site"):
        opened(tmp_path, sealed(tmp_path, site="t"))


@pytest.mark.parametrize("at", [-600, 0, 60])
def test_a_request_is_valid_to_its_last_second(tmp_path: Path, at: float) -> None:
    assert opened(tmp_path, sealed(tmp_path), at) == TEXT


@pytest.mark.parametrize(("at", "why"), [(-601, "later time"), (61, "expired")])
def test_a_request_is_refused_beside_its_time(tmp_path: Path, at: float, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        opened(tmp_path, sealed(tmp_path), at)


def test_no_request_is_valid_for_longer_than_eight_days(tmp_path: Path) -> None:
    values = sealed(tmp_path, seconds=1e9)
    day = 86400
    assert opened(tmp_path, values, 8 * day) == TEXT
    with pytest.raises(RefusedError, match="expired"):
        opened(tmp_path, values, 8 * day + 1)


def test_a_stamp_that_is_not_one_is_refused(tmp_path: Path) -> None:
    values = sealed(tmp_path)
    with pytest.raises((PayloadError, RefusedError)):
        opened(tmp_path, {**values, "stamp": TEXT})
