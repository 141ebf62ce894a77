"""The first step takes each site's figures in its form, and falls back where a sum fails."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hepafed.common.contract.messages import KeysRequest, OpenRequest, SiteSummary, ValidateRequest
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.disclosure.masking import slot
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import PayloadError
from hepafed.common.records import write_record
from hepafed.common.statistics import Additive, ScoreTable, add, additive_of, vector_length
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.sites import Sites
from hepafed.server.runs.stores import Stores
from hepafed.server.validation.summaries import FALLBACK_SECONDS, gather

from tests.server.masked_sums.participants import Participants

LESIONS = {"c": 30, "a": 22, "b": 26}


@cache
def table(site: str) -> ScoreTable:
    n = LESIONS[site]
    rng = np.random.default_rng(n)
    raw = rng.normal(size=(n, 3))
    readers = {} if site == "c" else {f"r{site}": rng.integers(0, 2, n).astype(np.int8)}
    return ScoreTable(
        site=np.full(n, site),
        patient=np.array([f"p{i}" for i in range(n)]),
        lesion=np.full(n, "l"),
        truth=rng.integers(0, 3, n),
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers=readers,
    )


@cache
def sums(site: str, readers: tuple[str, ...] = ()) -> Additive:
    its = replace(table(site), readers={r: np.full(LESIONS[site], -1, np.int8) for r in readers}
                  | table(site).readers)  # fmt: skip
    return additive_of(its, 0.4, readers)


@cache
def summary(site: str, form: str) -> SiteSummary:
    made = summarise(table(site), run="", model="m", weights="w", threshold=0.4, minimum_count=1)
    return replace(made, form=form)


class Answering(Participants):
    """Sites that also answer the first question, each in its form."""

    def __init__(self, stores: Stores, forms: dict[str, str], readers: tuple[str, ...]) -> None:
        vectors = {s: sums(s, readers).to_vector() for s in forms}
        super().__init__(stores.inbox, vectors)
        self._stores = stores
        self.forms = dict(forms)
        self.gone: set[str] = set()

    def online(self) -> list[str]:
        return [s for s in self.forms if s not in self.gone]

    def ask(
        self,
        sites: Iterable[str],
        request: Any,  # noqa: ANN401
        kind: type,
        deadline: float,
        on_reply: Callable[[str, Any], None],
    ) -> dict[str, str]:
        if not isinstance(request, ValidateRequest):
            return super().ask(sites, request, kind, deadline, on_reply)
        asked, failed = tuple(sites), {}
        self.asked.append((asked, request, deadline))
        for site in asked:
            answer = self.change(site, request, self._summary(site, request))
            if isinstance(answer, str):
                failed[site] = answer
                continue
            try:
                on_reply(site, answer)
            except PayloadError as e:
                failed[site] = e.message
        return failed

    def _summary(self, site: str, request: ValidateRequest) -> SiteSummary:
        form = "cells" if request.fallback else self.forms[site]
        made = replace(summary(site, form), run=request.run)
        if form != "plain":
            return made
        content = sums(site).to_vector().astype("<u8").tobytes()
        digest, where = sha256(content).hexdigest(), slot("counts", 0)
        self._inbox.admit(site, request.run, where, len(content))
        path = self._inbox.folder / f"{site}.part"
        path.write_bytes(content)
        self._inbox.arrived(site, request.run, where, digest, path)
        return replace(made, vector=digest)


def begun(
    home: Path, readers: tuple[str, ...] = (), deadline: float = 77, **forms: str
) -> tuple[LiveRun, Answering, ValidateRequest]:
    stores = Stores(home)
    plan = Plan(name="t2", protocol="t2", rounds=RoundsPlan(deadline=deadline))
    run = stores.runs.create("validate", plan, model="m", split="test")
    sites = Answering(stores, forms, readers)
    request = ValidateRequest(
        run=run.id, model="m", plan=plan, weights="w", threshold=0.4, split="test"
    )
    return LiveRun(run, stores, cast("Sites", sites)), sites, request


def asked(
    sites: Answering, kind: type = ValidateRequest
) -> list[tuple[tuple[str, ...], Any, float]]:
    return [a for a in sites.asked if isinstance(a[1], kind)]


def events(live: LiveRun, kind: str) -> list[dict[str, Any]]:
    return [e for e in live.stores.runs.events(live.run.id) if e["event"] == kind]


def forms(got: Any) -> dict[str, str]:  # noqa: ANN401
    return {f.site: f.form for f in got.forms()}


def test_figures_in_cells_are_kept_and_no_sum_is_asked_for(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="cells", a="cells")
    got = gather(live, request, ["c", "a"])
    assert ({*got.summaries}, got.missing, got.notes, got.groups) == ({"a", "c"}, {}, {}, [])
    assert sites.asked == [(("c", "a"), request, 77)]
    assert {(e["site"], e["patients"], e["lesions"], e["form"]) for e in events(live, "reply")} == {
        ("c", 30, 30, "cells"),
        ("a", 22, 22, "cells"),
    }


def test_plain_counts_are_taken_in_and_not_left_in_the_inbox(tmp_path: Path) -> None:
    live, _, request = begun(tmp_path, c="plain", a="cells")
    got = gather(live, request, ["c", "a"])
    assert forms(got) == {"a": "cells", "c": "plain"}
    (group,) = got.groups
    assert (group.sites, group.form) == (("c",), "plain")
    assert (group.sums.to_vector() == sums("c").to_vector()).all()
    assert list(live.stores.inbox.folder.iterdir()) == []


def test_plain_counts_that_did_not_arrive_leave_the_site_out(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="plain", a="cells")
    sites.change = lambda s, _r, m: replace(m, vector="00" * 32) if s == "c" else m
    got = gather(live, request, ["c", "a"])
    assert {*got.summaries} == {"a"}
    assert "the plain counts did not arrive" in got.missing["c"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "v"}, "the site scored other weights than those asked for"),
        ({"form": "other"}, "the site answered with an unknown form of release"),
        ({"minimum_count": 0}, "c released an impossible minimum count"),
    ],
)
def test_a_summary_that_does_not_fit_leaves_its_site_out(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    live, sites, request = begun(tmp_path, c="cells", a="cells")
    sites.change = lambda s, _r, m: replace(m, **change) if s == "c" else m
    got = gather(live, request, ["c", "a"])
    assert ({*got.summaries}, got.missing) == ({"a"}, {"c": words})
    assert [e["site"] for e in events(live, "reply")] == ["a"]


def test_masked_counts_are_summed_with_all_the_readers_of_their_sites(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, ("ra", "rb"), c="masked", a="masked", b="masked")
    got = gather(live, request, ["c", "a", "b"])
    assert forms(got) == dict.fromkeys("abc", "masked")
    (group,) = got.groups
    whole = add([sums(s, ("ra", "rb")) for s in "abc"])
    assert (group.sums.to_vector() == whole.to_vector()).all()
    assert group.sums.readers == ("ra", "rb")
    ((names, keys, _),) = asked(sites, KeysRequest)
    terms = keys.terms
    assert (names, terms.subject, terms.weights, terms.split) == (
        ("a", "b", "c"), "counts", "w", "test",
    )  # fmt: skip
    assert (terms.readers, terms.length) == (("ra", "rb"), vector_length(2))
    assert len(asked(sites)) == 1


def test_one_masked_site_alone_is_asked_for_cells(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="cells")
    got = gather(live, request, ["c", "a"])
    assert forms(got) == {"a": "cells", "c": "cells"}
    assert got.notes == {"c": "no other site takes part in the masked sum"}
    assert [(s, r) for s, r, _ in asked(sites)] == [
        (("c", "a"), request),
        (("c",), replace(request, fallback=True)),
    ]


@pytest.mark.parametrize(
    ("deadline", "waited"),
    [(FALLBACK_SECONDS - 1, FALLBACK_SECONDS - 1), (FALLBACK_SECONDS + 1, FALLBACK_SECONDS)],
)
def test_a_fallback_is_waited_for_no_longer_than_a_quarter_of_an_hour(
    tmp_path: Path, deadline: float, waited: float
) -> None:
    live, sites, request = begun(tmp_path, (), deadline, c="masked")
    gather(live, request, ["c"])
    assert [d for _, _, d in asked(sites)] == [deadline, waited]


def test_a_fallback_under_masks_is_no_fallback(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="cells")
    sites.change = lambda s, r, m: replace(m, form="masked") if s == "c" else m
    got = gather(live, request, ["c", "a"])
    assert {*got.summaries} == {"a"}
    assert got.missing == {"c": "the site answered with an unknown form of release"}


def test_a_site_whose_policy_refuses_the_fallback_keeps_its_own_figures(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="cells")
    sites.change = lambda s, r, m: "refused: its policy" if getattr(r, "fallback", 0) else m
    got = gather(live, request, ["c", "a"])
    assert forms(got) == {"a": "cells", "c": "withheld"}
    assert got.notes == {"c": "no other site takes part in the masked sum; its policy"}
    assert got.missing == {}


def test_a_site_that_is_silent_at_the_fallback_is_out_of_the_report(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="cells")
    sites.change = lambda s, r, m: "silent" if getattr(r, "fallback", 0) else m
    got = gather(live, request, ["c", "a"])
    assert ({*got.summaries}, got.missing, got.notes) == ({"a"}, {"c": "silent"}, {})


def test_a_site_lost_in_the_sum_and_offline_since_has_dropped_out(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="masked", b="masked")

    def drop(site: str, asked_for: object, answer: Any) -> Any:  # noqa: ANN401
        if site == "c" and isinstance(asked_for, KeysRequest):
            sites.gone.add("c")
            return "silent"
        return answer

    sites.change = drop
    sites.counts = {s: sums(s, ("ra", "rb")).to_vector() for s in "abc"}
    got = gather(live, request, ["c", "a", "b"])
    assert forms(got) == {"a": "masked", "b": "masked"}
    assert got.missing == {"c": "dropped out: silent"}
    assert asked(sites)[-1][0] == ()


def test_when_a_sum_fails_each_site_says_why_it_gave_cells(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, ("ra", "rb"), c="masked", a="masked", b="masked")
    sites.change = lambda s, r, m: "silent" if s == "b" and isinstance(r, OpenRequest) else m
    got = gather(live, request, ["c", "a", "b"])
    assert forms(got) == dict.fromkeys("abc", "cells")
    assert got.notes == {
        "a": "the masked sum failed",
        "b": "lost while the sum was opened: silent",
        "c": "the masked sum failed",
    }


def test_a_run_that_is_stopped_during_the_sum_asks_for_no_fallback(tmp_path: Path) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="masked")

    def stop(_site: str, asked_for: object, answer: Any) -> Any:  # noqa: ANN401
        if isinstance(asked_for, KeysRequest):
            live.stores.runs.ask_to_stop(live.run.id)
            return "stopped"
        return answer

    sites.change = stop
    got = gather(live, request, ["c", "a"])
    assert ({*got.summaries}, got.groups, got.notes) == ({"a", "c"}, [], {})
    assert len(asked(sites)) == 1


def kept(live: LiveRun, *found: SiteSummary) -> None:
    """Write down figures as a run that was interrupted did."""
    named = zip("cab", found, strict=False)
    text = json.dumps({s: write_record(replace(v, run=live.run.id)) for s, v in named})
    (live.folder / "summaries.json").write_text(text)


def test_after_a_restart_a_masked_site_that_refuses_a_repeat_keeps_its_figures(
    tmp_path: Path,
) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="masked")
    kept(live, summary("c", "masked"))
    sites.change = lambda s, r, m: (
        "refused: a repeat" if s == "c" and isinstance(r, ValidateRequest) else m
    )
    sites.counts = {s: sums(s, ("ra",)).to_vector() for s in "ac"}
    got = gather(live, request, ["c", "a"])
    assert forms(got) == {"a": "masked", "c": "masked"}
    assert got.missing == {}
    kept_now = {*json.loads((live.folder / "summaries.json").read_text())}
    assert kept_now == {"a", "c", "checksum"}


@pytest.mark.parametrize(
    "other", [summary("c", "cells"), replace(summary("c", "masked"), weights="v")],
    ids=["cells", "other weights"],
)  # fmt: skip
def test_figures_of_another_form_or_model_are_not_taken_back(
    tmp_path: Path, other: SiteSummary
) -> None:
    live, sites, request = begun(tmp_path, c="masked", a="cells")
    kept(live, other)
    sites.change = lambda s, _r, m: "refused: a repeat" if s == "c" else m
    got = gather(live, request, ["c", "a"])
    assert ({*got.summaries}, got.missing) == ({"a"}, {"c": "refused: a repeat"})


def test_figures_of_a_site_that_answered_anew_or_was_not_asked_are_not_the_old_ones(
    tmp_path: Path,
) -> None:
    live, _, request = begun(tmp_path, c="cells", a="cells")
    kept(live, summary("c", "masked"), summary("a", "cells"), summary("b", "masked"))
    got = gather(live, request, ["c", "a"])
    assert forms(got) == {"a": "cells", "c": "cells"}
