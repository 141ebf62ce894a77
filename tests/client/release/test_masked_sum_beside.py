"""The counting attack: what leaves beside a masked sum leaves a thousand tables of scores possible.

The coordinator holds the opened sum, every message and every offer; it looks for the tables of one
site that agree with all of them. What leaves is taken from the real release.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hepafed.common.contract.messages import OpenReply, OpenRequest, SiteSummary, Terms
from hepafed.common.disclosure.splits import Totals, own_bands, totals_of
from hepafed.common.errors import RefusedError
from hepafed.common.records import write_record
from hepafed.common.statistics.additive import Additive
from hepafed.common.statistics.scores import ScoreTable
from hepafed.common.statistics.sums import additive_of
from numpy.typing import NDArray

from .releasing import TABLE_COUNTS, WEIGHTS, Site

LEAST = 1000
FEDERATIONS = int(os.environ.get("FEDERATIONS", "4"))
"""How many random federations are attacked; docs/what-leaves-the-site.md states a run of 100."""


def cohort(name: str, truth: NDArray[np.int64], skill: float, seed: int) -> ScoreTable:
    """One lesion a patient: every score of a patient can be told from the others'."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(len(truth), 3)) * (0.01 if skill == 0 else 1)
    raw[np.arange(len(truth)), truth] += skill
    return ScoreTable(
        site=np.full(len(truth), name),
        patient=np.array([f"p{i}" for i in range(len(truth))]),
        lesion=np.full(len(truth), "l"),
        truth=truth,
        log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True),
        readers={},
    )


class Attacked:
    """An honest validation, and all that the coordinator gets in it."""

    def __init__(self, folder: Path, tables: list[ScoreTable], **policy: object) -> None:
        self.tables, names = tables, tuple("abcde"[: len(tables)])
        self.sites = [Site(folder, n, **policy) for n in names]
        self.messages: list[SiteSummary] = []
        self.opened: list[OpenReply] = []
        for site, table in zip(self.sites, tables, strict=True):
            site.table = table
            self.messages.append(site.score())
        self.terms = Terms(
            exchange=f"{1:032x}", run="validate-1", subject="counts", weights=WEIGHTS,
            split="external", attempt=1, participants=names, length=len(TABLE_COUNTS),
        )  # fmt: skip
        self.offers = [s.key(self.terms) for s in self.sites]

    def open(self) -> None:
        for site in self.sites:
            site.mask(self.terms, self.offers)
        request = OpenRequest(run=self.terms.run, exchange=self.terms.exchange)
        self.opened = [s.releases.open(request) for s in self.sites]

    def summed(self) -> Additive:
        vectors = [additive_of(t, 0.5).to_vector() for t in self.tables]
        return Additive.from_vector(np.sum(vectors, axis=0, dtype=np.uint64))


def ways(histogram: NDArray[np.int64], wanted: int) -> int:
    """Count the histograms of `wanted` cases that lie within another: exactly, bin by bin."""
    found = [1] + [0] * wanted
    for most in histogram[histogram > 0].tolist():
        found = [sum(found[max(0, k - most) : k + 1]) for k in range(wanted + 1)]
    return found[wanted]


def truth_of(*by_class: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(3), by_class)


@pytest.mark.parametrize("skill", [0.0, 2.0])
def test_two_hospitals_of_twelve_cannot_be_parted(tmp_path: Path, skill: float) -> None:
    """All 853,776 splits of the opened sum give the very same messages."""
    tables = [cohort(n, truth_of(6, 6, 0), skill, i) for i, n in enumerate("ab")]
    attacked = Attacked(tmp_path, tables)
    attacked.open()
    assert all(r.bands == () for r in attacked.opened)
    scores = attacked.summed().patient_scores
    assert math.prod(ways(h, 6) for h in scores) >= (853_776 if skill else LEAST)
    for table, message in zip(tables, attacked.messages, strict=True):
        assert_only_totals(table, message)


def assert_only_totals(table: ScoreTable, message: SiteSummary) -> None:
    """Whatever scores the same patients had, the message is the same to the byte."""

    def numbers(values: object) -> Iterator[float]:
        if isinstance(values, dict):
            values = list(values.values())
        if isinstance(values, list | tuple):
            for v in values:
                yield from numbers(v)
        elif isinstance(values, int | float) and not isinstance(values, bool):
            yield values

    totals = totals_of(table)
    lesions = sum(totals[2:])
    allowed = {*totals, lesions, *(lesions - n for n in totals[2:]), message.minimum_count, 0}
    assert {*numbers(write_record(message))} <= allowed


def test_a_message_beside_a_masked_sum_does_not_depend_on_the_scores(tmp_path: Path) -> None:
    found = set()
    for seed in range(4):
        site = Site(tmp_path / str(seed), "a", share_subgroups=["sex"], minimum_count=2)
        made = cohort("a", truth_of(20, 15, 25), seed % 3, seed)
        site.table = replace(made, groups={"sex": np.array(["f", "m"] * 30)})
        message = site.score(subgroups=("sex",))
        assert [g.positives for g in message.subgroups] == [20, 20]
        found.add(str(write_record(message)))
    assert len(found) == 1


class Pool:
    """The opened sum's cases, and the AUCs of any choice of them."""

    def __init__(self, tables: list[ScoreTable], site: int) -> None:
        self.truth = np.concatenate([t.truth for t in tables])
        self.log_probs = np.concatenate([t.log_probs for t in tables])
        owner = np.repeat(np.arange(len(tables)), [len(t.truth) for t in tables])
        self.own = owner == site
        p = self.log_probs
        rest = np.logaddexp.reduce(p[:, 1:], axis=1)
        lesions = [p[:, k] - np.log1p(-np.exp(p[:, k])) for k in range(3)]
        self.logits = np.stack([rest - p[:, 0], *lesions])

    def bands(self, own: NDArray[np.bool_]) -> tuple[int | None, ...]:
        made: list[int | None] = []
        for logits, positive in zip(
            self.logits[:, own],
            [self.truth[own] > 0, *(self.truth[own] == k for k in range(3))],
            strict=True,
        ):
            m, n = int(positive.sum()), int((~positive).sum())
            if min(m, n) < 5:
                made.append(None)
                continue
            ordered = np.sort(logits[~positive])
            below = np.searchsorted(ordered, logits[positive], "left").sum()
            touching = np.searchsorted(ordered, logits[positive], "right").sum()
            auc = (below + touching) / (2 * m * n)
            step = math.sqrt((m + n + 1) / (12 * m * n))
            made.append(min(int(auc / step), math.ceil(1 / step) - 1))
        return tuple(made)

    def table(self, own: NDArray[np.bool_]) -> ScoreTable:
        made = cohort("x", self.truth[own], 1, 1)
        return replace(made, log_probs=self.log_probs[own])

    def agreeing(self, bands: tuple[int | None, ...], rng: np.random.Generator) -> set[bytes]:
        """Walk from the true choice by exchanges of cases of a class; collect what agrees."""
        own, found = self.own.copy(), {self.own.tobytes()}
        for _ in range(20 * LEAST):
            tried = own.copy()
            for _ in range(int(rng.integers(1, 4))):
                out = rng.choice(np.flatnonzero(tried))
                others = np.flatnonzero(~tried & (self.truth == self.truth[out]))
                tried[[out, rng.choice(others)]] = False, True
            if self.bands(tried) == bands:
                own = tried
                found.add(own.tobytes())
                if len(found) > LEAST:
                    break
        return found


def draw(rng: np.random.Generator) -> list[ScoreTable]:
    count, skill = int(rng.integers(2, 6)), float(rng.choice([0.0, 1.0, 3.0]))
    made = []
    for i in range(count):
        patients = int(rng.choice([10, 14, 40, 120, 300]))
        shares = rng.dirichlet([5, 4, 3])
        truth = rng.choice(3, patients, p=shares)
        # hospitals differ: one may score far worse than another
        own = skill * float(rng.choice([1.0, 0.5])) if skill else 0.0
        made.append(cohort("abcde"[i], truth, own, int(rng.integers(1 << 30))))
    return made


@pytest.mark.parametrize("seed", range(FEDERATIONS))
def test_random_cohorts_leave_a_thousand_tables_of_each_site(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([19, seed])
    tables = draw(rng)
    attacked = Attacked(tmp_path, tables)
    for table, message in zip(tables, attacked.messages, strict=True):
        assert_only_totals(table, message)
    try:
        attacked.open()
    except RefusedError as e:
        assert "masked sum" in e.message  # noqa: PT017 - a refusal gives nothing away
        return
    scores = attacked.summed().patient_scores
    walked = 0
    for i, (table, reply) in enumerate(zip(tables, attacked.opened, strict=True)):
        if not reply.bands:
            totals = totals_of(table)
            assert math.prod(map(ways, scores, totals[:2])) >= LEAST
            continue
        if walked == 2:
            break
        walked += 1
        pool = Pool(tables, i)
        assert pool.bands(pool.own) == reply.bands
        found = pool.agreeing(reply.bands, rng)
        assert len(found) > LEAST
        for choice in [*found][:: LEAST // 4]:
            own = np.frombuffer(choice, bool)
            assert own_bands(pool.table(own), 5) == reply.bands


def test_large_cohorts_have_their_bands(tmp_path: Path) -> None:
    """The honest use beside the attacks: two hospitals of 120 patients show four AUCs each."""
    tables = [cohort(n, truth_of(50, 40, 30), 2.0, i) for i, n in enumerate("ab")]
    attacked = Attacked(tmp_path, tables)
    attacked.open()
    for table, reply in zip(tables, attacked.opened, strict=True):
        assert reply.bands == own_bands(table, 5)
        assert None not in reply.bands
    none = Attacked(tmp_path / "none", tables, site_auc="none")
    none.open()
    assert [r.bands for r in none.opened] == [(), ()]


def test_bands_leave_with_the_seed_also_after_a_restart(tmp_path: Path) -> None:
    tables = [cohort(n, truth_of(50, 40, 30), 2.0, i) for i, n in enumerate("ab")]
    attacked = Attacked(tmp_path, tables)
    for site in attacked.sites:
        site.mask(attacked.terms, attacked.offers)
    attacked.sites[0].restart()
    request = OpenRequest(run="validate-1", exchange=attacked.terms.exchange)
    reply = attacked.sites[0].releases.open(request)
    assert reply.bands == own_bands(tables[0], 5)


@pytest.mark.parametrize(
    ("mine", "other", "least", "refused"),
    [
        ((6, 6, 0), (6, 6, 0), 853_776, ""),
        ((6, 6, 0), (6, 6, 0), 853_777, "leaves 853776 tables"),
        ((6, 0, 14), (6, 0, 1), 2, ""),
        ((6, 0, 14), (6, 1, 0), 2, "no other site of the masked sum has a case"),
        ((12, 0, 0), (8, 8, 0), 125_970, ""),
        ((12, 0, 0), (8, 8, 0), 125_971, "leaves 125970 tables"),
    ],
)
def test_a_sum_that_leaves_too_few_tables_is_refused_before_anything_is_uploaded(
    tmp_path: Path, mine: Totals, other: Totals, least: int, refused: str
) -> None:
    """C(12, 6)² = 853,776; C(20, 12) = 125,970, for none of the other's class is mine."""
    tables = [
        cohort(n, truth_of(*c), 1.0, i)
        for i, (n, c) in enumerate(zip("ab", (mine, other), strict=True))
    ]
    attacked = Attacked(tmp_path, tables, least_tables=least)
    if not refused:
        attacked.sites[0].mask(attacked.terms, attacked.offers)
        assert len(attacked.sites[0].sent) == 1
        return
    with pytest.raises(RefusedError, match=refused):
        attacked.sites[0].mask(attacked.terms, attacked.offers)
    assert attacked.sites[0].sent == []
