"""Each check of the inbox alone: what is asked for, what came, what was taken, what is deleted."""

from pathlib import Path

import pytest
from hepafed.common.errors import BusyError, PayloadError, RefusedError
from hepafed.server.runs.inbox import Expected, Inbox


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    made = Inbox(tmp_path)
    made.open_round(Expected("r", 2, frozenset(["a", "b"]), 10))
    return made


def arrive(
    inbox: Inbox, site: str, content: bytes, digest: str, run: str = "r", round_: int = 2
) -> Path:
    path = inbox.folder / f"{site}.part"
    path.write_bytes(content)
    inbox.arrived(site, run, round_, digest, path)
    return path


def test_before_the_first_round_nothing_is_expected(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    with pytest.raises(RefusedError, match="no update of this run"):
        inbox.admit("a", "r", 0, 0)
    path = tmp_path / "a.part"
    path.write_bytes(b"x")
    with pytest.raises(BusyError):
        inbox.arrived("a", "r", 0, "d", path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("site", "run", "number"),
    [("c", "r", 2), ("a", "q", 2), ("a", "r", 1), ("a", "r", 3)],
    ids=["site", "run", "earlier", "later"],
)
def test_each_of_site_run_and_round_must_be_the_expected_one(
    inbox: Inbox, site: str, run: str, number: int
) -> None:
    with pytest.raises(RefusedError, match="is expected from this site"):
        inbox.admit(site, run, number, 10)


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_size_beside_the_models_is_refused(inbox: Inbox, size: int) -> None:
    inbox.admit("a", "r", 2, 10)
    with pytest.raises(RefusedError, match=f"must have 10 bytes; this one has {size}"):
        inbox.admit("a", "r", 2, size)


def test_sites_have_their_own_uploads(inbox: Inbox) -> None:
    arrive(inbox, "a", b"of a", "same")
    arrive(inbox, "b", b"of b", "same")
    assert inbox.take("c", "same") is None
    for site in "ba":
        path = inbox.take(site, "same")
        assert path is not None
        assert path.read_bytes() == f"of {site}".encode()


def test_a_site_may_upload_anew_until_its_update_is_taken(inbox: Inbox) -> None:
    arrive(inbox, "a", b"first", "1")
    inbox.admit("a", "r", 2, 10)
    arrive(inbox, "a", b"second", "2")
    assert inbox.take("a", "1") is None
    path = inbox.take("a", "2")
    assert path is not None
    assert path.read_bytes() == b"second"


def test_an_update_is_taken_once(inbox: Inbox) -> None:
    arrive(inbox, "a", b"x", "1")
    assert inbox.take("a", "1") is not None
    assert inbox.take("a", "1") is None
    with pytest.raises(RefusedError, match="taken already"):
        inbox.admit("a", "r", 2, 10)
    inbox.admit("b", "r", 2, 10)


def test_what_comes_after_the_update_was_taken_is_deleted_without_a_word(inbox: Inbox) -> None:
    arrive(inbox, "a", b"x", "1")
    kept = inbox.take("a", "1")
    late = arrive(inbox, "a", b"y", "2")
    assert not late.exists()
    assert list(inbox.folder.iterdir()) == [kept]


@pytest.mark.parametrize(("run", "number"), [("q", 2), ("r", 1), ("r", 3)])
def test_an_upload_of_another_run_or_round_is_deleted_and_has_to_be_tried_again(
    inbox: Inbox, run: str, number: int
) -> None:
    with pytest.raises(BusyError):
        arrive(inbox, "a", b"x", "1", run, number)
    assert list(inbox.folder.iterdir()) == []
    assert inbox.take("a", "1") is None


def test_an_upload_whose_file_is_gone_did_not_arrive(inbox: Inbox) -> None:
    with pytest.raises(BusyError):
        inbox.arrived("a", "r", 2, "1", inbox.folder / "gone.part")
    assert inbox.take("a", "1") is None


def test_a_new_round_forgets_what_came_and_what_was_taken(inbox: Inbox) -> None:
    arrive(inbox, "a", b"x", "1")
    arrive(inbox, "b", b"y", "2")
    inbox.take("a", "1")
    (inbox.folder / "half.part").write_bytes(b"z")
    inbox.open_round(Expected("r", 2, frozenset(["a", "b"]), 10))
    assert list(inbox.folder.iterdir()) == []
    assert inbox.take("b", "2") is None
    inbox.admit("a", "r", 2, 10)


def test_counts_are_handed_over_like_updates_and_named_where_they_are_missing(
    inbox: Inbox,
) -> None:
    arrive(inbox, "a", b"counts", "1")
    for site, digest in (("a", "2"), ("b", "1")):
        with pytest.raises(PayloadError, match="the paired counts did not arrive"):
            inbox.take_counts(site, digest, "paired")
    assert inbox.take_counts("a", "1", "paired").read_bytes() == b"counts"
    with pytest.raises(PayloadError):
        inbox.take_counts("a", "1", "paired")
