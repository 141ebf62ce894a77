"""Each step of a masked sum takes what belongs to it, and names the sites it lost."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.common.contract.messages import (
    KeyOffer,
    KeysRequest,
    OpenReply,
    OpenRequest,
    SumsRequest,
    Terms,
)
from hepafed.common.disclosure.masking import opened_sum, public_line
from hepafed.server.masked_sums.masked_steps import (
    OPENING_TRIES,
    ask_for_seeds,
    exchange_keys,
    take_vectors,
)
from hepafed.server.runs.live_run import STEP_SECONDS, LiveRun

from tests.server.masked_sums.participants import Participants, live_with

COUNTS = {"a": [1, 2, 3], "b": [10, 20, 2**64 - 30], "c": [100, 200, 300]}


def begun(home: Path) -> tuple[LiveRun, Participants, Terms]:
    live, sites = live_with(home, COUNTS)
    terms = Terms(
        exchange="ab" * 16, run=live.run.id, subject="pairs", weights="w", split="external",
        attempt=2, participants=("a", "b", "c"), length=3,
    )  # fmt: skip
    return live, sites, terms


def answers_at(site: str, kind: type, answer: Any) -> Any:  # noqa: ANN401
    """Change one site's answer to one question."""

    def change(name: str, request: object, right: Any) -> Any:  # noqa: ANN401
        if name != site or not isinstance(request, kind):
            return right
        return answer(right) if callable(answer) else answer

    return change


def test_keys_come_in_the_order_of_the_terms_whoever_answers_first(tmp_path: Path) -> None:
    live, sites, terms = begun(tmp_path)
    offers, lost = exchange_keys(live, terms)
    assert ([o.site for o in offers], lost) == (["a", "b", "c"], {})
    assert sites.asked == [
        (("a", "b", "c"), KeysRequest(run=live.run.id, terms=terms), STEP_SECONDS)
    ]


def test_a_site_that_gives_no_key_is_lost_with_its_reason(tmp_path: Path) -> None:
    live, sites, terms = begun(tmp_path)
    sites.change = answers_at("b", KeysRequest, "silent")
    offers, lost = exchange_keys(live, terms)
    assert ([o.site for o in offers], lost) == (["a", "c"], {"b": "silent"})


def test_a_key_in_the_name_of_another_site_is_not_taken(tmp_path: Path) -> None:
    live, sites, terms = begun(tmp_path)
    sites.change = answers_at("b", KeysRequest, lambda o: replace(o, site="a"))
    offers, lost = exchange_keys(live, terms)
    assert [o.site for o in offers] == ["a", "c"]
    assert lost == {"b": "the site answered in the name of another site"}


def test_a_key_signed_by_another_identity_than_the_enrolled_one_is_not_taken(
    tmp_path: Path,
) -> None:
    live, sites, terms = begun(tmp_path)
    sites.known["c"] = public_line(ec.generate_private_key(ec.SECP384R1()))
    offers, lost = exchange_keys(live, terms)
    assert [o.site for o in offers] == ["a", "b"]
    assert lost == {"c": "the site showed another identity than the enrolled one"}


def test_a_comment_behind_the_enrolled_key_is_no_part_of_the_identity(tmp_path: Path) -> None:
    live, sites, terms = begun(tmp_path)
    sites.known["c"] += " somebody@somewhere"
    del sites.known["a"]  # what nobody enrolled is for the other sites to judge
    offers, lost = exchange_keys(live, terms)
    assert (len(offers), lost) == (3, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda o: replace(o, totals=(5, 4, *o.totals[2:])), "not signed by that site"),
        (lambda o: replace(o, key="09" + "00" * 31), "not signed by that site"),
        (lambda o: replace(o, exchange="cd" * 16), "belongs to another exchange"),
    ],
    ids=["totals", "key", "exchange"],
)
def test_a_key_whose_signature_does_not_cover_it_is_not_taken(
    tmp_path: Path,
    change: Any,  # noqa: ANN401
    words: str,
) -> None:
    live, sites, terms = begun(tmp_path)
    sites.change = answers_at("a", KeysRequest, change)
    offers, lost = exchange_keys(live, terms)
    assert [o.site for o in offers] == ["b", "c"]
    assert words in lost["a"]


def exchanged(home: Path) -> tuple[LiveRun, Participants, Terms, tuple[KeyOffer, ...], Path]:
    live, sites, terms = begun(home)
    offers, _ = exchange_keys(live, terms)
    return live, sites, terms, offers, home / "vectors"


def test_every_masked_vector_lies_under_its_sites_name(tmp_path: Path) -> None:
    live, sites, terms, offers, folder = exchanged(tmp_path)
    assert take_vectors(live, terms, offers, folder) == {}
    assert {p.name for p in folder.iterdir()} == {"a", "b", "c"}
    wanted = SumsRequest(run=live.run.id, exchange=terms.exchange, offers=offers)
    assert sites.asked[-1] == (("a", "b", "c"), wanted, STEP_SECONDS)
    vectors = {s: np.frombuffer((folder / s).read_bytes(), "<u8") for s in "abc"}
    found = ask_for_seeds(live, terms)
    assert found is not None
    assert opened_sum(vectors, found.seeds, terms).tolist() == [111, 222, 273]


def test_vectors_of_an_earlier_attempt_are_gone_before_any_arrives(tmp_path: Path) -> None:
    live, sites, terms, offers, folder = exchanged(tmp_path)
    folder.mkdir()
    (folder / "b").write_bytes(b"old")
    sites.change = answers_at("b", SumsRequest, "silent")
    assert take_vectors(live, terms, offers, folder) == {"b": "silent"}
    assert {p.name for p in folder.iterdir()} == {"a", "c"}


def test_a_vector_that_differs_from_the_announced_one_is_lost(tmp_path: Path) -> None:
    live, sites, terms, offers, folder = exchanged(tmp_path)
    sites.change = answers_at("b", SumsRequest, lambda r: replace(r, vector="00" * 32))
    lost = take_vectors(live, terms, offers, folder)
    assert lost == {"b": "the masked counts did not arrive, or they differ from the announced ones"}
    assert {p.name for p in folder.iterdir()} == {"a", "c"}


def test_all_seeds_are_asked_for_once(tmp_path: Path) -> None:
    live, sites, terms, offers, folder = exchanged(tmp_path)
    take_vectors(live, terms, offers, folder)
    found = ask_for_seeds(live, terms)
    assert found is not None
    assert ({*found.seeds}, dict(found.failed)) == ({"a", "b", "c"}, {})
    opening = [a for a in sites.asked if isinstance(a[1], OpenRequest)]
    request = OpenRequest(run=live.run.id, exchange=terms.exchange)
    assert opening == [(("a", "b", "c"), request, STEP_SECONDS)]


@pytest.mark.parametrize("seed", ["xy" * 32, "ab" * 31, "ab" * 33, ""])
def test_a_seed_of_another_form_is_none(tmp_path: Path, seed: str) -> None:
    live, sites, terms, *_ = exchanged(tmp_path)
    sites.change = answers_at("b", OpenRequest, lambda r: replace(r, seed=seed))
    found = ask_for_seeds(live, terms)
    assert found is not None
    assert ({*found.seeds}, dict(found.failed)) == (
        {"a", "c"},
        {"b": "the site sent an invalid seed"},
    )


def test_a_silent_site_alone_is_asked_again_and_no_oftener_than_the_tries(tmp_path: Path) -> None:
    live, sites, terms, *_ = exchanged(tmp_path)
    sites.change = answers_at("b", OpenRequest, "silent")
    found = ask_for_seeds(live, terms)
    assert found is not None
    assert dict(found.failed) == {"b": "silent"}
    opening = [a[0] for a in sites.asked if isinstance(a[1], OpenRequest)]
    assert opening == [("a", "b", "c")] + [("b",)] * (OPENING_TRIES - 1)


def test_a_site_that_answers_at_the_last_try_is_not_lost(tmp_path: Path) -> None:
    live, sites, terms, *_ = exchanged(tmp_path)
    seen: list[int] = []

    def late(reply: OpenReply) -> Any:  # noqa: ANN401
        seen.append(1)
        return reply if len(seen) == OPENING_TRIES else "silent"

    sites.change = answers_at("b", OpenRequest, late)
    found = ask_for_seeds(live, terms)
    assert found is not None
    assert ({*found.seeds}, dict(found.failed)) == ({"a", "b", "c"}, {})


def test_a_run_that_was_stopped_asks_for_no_seed(tmp_path: Path) -> None:
    live, sites, terms, *_ = exchanged(tmp_path)
    live.stores.runs.ask_to_stop(live.run.id)
    assert ask_for_seeds(live, terms) is None
    assert [a for a in sites.asked if isinstance(a[1], OpenRequest)] == []
