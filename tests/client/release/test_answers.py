"""A site releases what its policy says, in one form, and counts of scores in that form alone."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hepafed.client.release.answers import LEFT_OUT
from hepafed.client.release.policy import permit
from hepafed.common.contract.config import SiteConfig
from hepafed.common.contract.figures import PlacementCurve
from hepafed.common.contract.messages import ComparedModel, CompareRequest, PlacementsRequest
from hepafed.common.contract.plan import Plan
from hepafed.common.errors import PayloadError, RefusedError
from hepafed.common.statistics.additive import add
from hepafed.common.statistics.placement_sums import curves_of, products_of
from hepafed.common.statistics.sums import additive_of

from .releasing import Site, exchange, table_of, terms_of


def test_a_masked_summary_holds_no_cells(pair: list[Site]) -> None:
    made = pair[0].score()
    assert made.form == "masked"
    assert all(t.cells is None for t in made.tasks)
    assert made.vector == ""


def test_a_masked_summary_holds_no_count_that_only_the_sum_may_show(tmp_path: Path) -> None:
    made = {}
    for name, policy in (("a", {}), ("b", {"release": "cells"})):
        site = Site(tmp_path, name, minimum_count=2, **policy)
        site.table = table_of(name, 5, patients=2000)
        made[name] = site.score()
    assert {"decision", "reliability", "squares"} <= set(made["b"].sections)
    assert made["a"].sections == {}
    assert made["a"].suppressed == ()


def test_a_plain_release_is_the_counts_themselves(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    made = site.score()
    assert (made.form, made.vector) == ("plain", sha256(site.sent[0]).hexdigest())
    assert site.sent[0] == site.counts().tobytes()


def test_cells_of_the_policy_s_minimum_leave_in_the_summary_alone(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="cells", minimum_count=7)
    made = site.score()
    assert made.form == "cells"
    assert site.sent == []
    for task in made.tasks:
        assert task.cells is not None
        held = np.add(task.cells.positives, task.cells.negatives)
        assert min(held) >= 7


def test_a_fallback_needs_the_policy_s_word(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="not at all"):
        Site(tmp_path, "a", fallback="none").score(fallback=True)
    site = Site(tmp_path, "b")
    site.score()
    assert site.score(fallback=True).form == "cells"


def test_no_cells_after_a_masked_sum_of_the_same_scores(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    with pytest.raises(RefusedError, match="masked before"):
        pair[0].score(run="validate-2", fallback=True)
    pair[0].rescore()
    new = {"run": "validate-2", "weights": "b" * 64}
    pair[0].score(**new)
    with pytest.raises(RefusedError, match="no masked sum of this run was tried"):
        pair[0].score(**new, fallback=True)
    terms = terms_of("a", "b", number=2, run="validate-2", weights="b" * 64)
    pair[0].key(terms)
    assert pair[0].score(**new, fallback=True).form == "cells"


def test_cells_as_a_first_question_are_refused_and_the_honest_way_gives_them(
    tmp_path: Path,
) -> None:
    """Nothing is spent by the refusal: the masked question of the same run is answered."""
    site = Site(tmp_path, "a")
    with pytest.raises(RefusedError, match="no masked sum of this run was tried"):
        site.score(fallback=True)
    assert site.score().form == "masked"
    with pytest.raises(RefusedError, match="no masked sum of this run was tried"):
        site.score(run="validate-2", fallback=True)
    site.restart()
    assert site.score(fallback=True).form == "cells"


def test_scores_that_left_in_cells_leave_in_cells_again(pair: list[Site]) -> None:
    assert pair[0].score(fallback=True).form == "cells"
    assert pair[0].score(run="validate-2").form == "cells"
    with pytest.raises(RefusedError, match="no scores"):
        pair[0].key(terms_of("a", "b"))


def test_scores_that_left_plain_are_not_masked_when_the_policy_changes(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    site.score()
    site.policy = {"fallback": "none"}
    site.restart()
    with pytest.raises(RefusedError):
        site.score()


def test_scores_that_were_compared_in_plain_are_not_masked_when_the_policy_changes(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "a", release="plain")
    plan = Plan(name="demo", protocol="t2")
    models = tuple(ComparedModel(model=w, plan=plan, weights=w * 64, threshold=0.5) for w in "ab")
    tables = [site.table, replace(site.table, log_probs=site.table.log_probs[:, ::-1])]
    site.releases.compare(CompareRequest(run="compare-1", split="external", models=models), tables)
    assert len(site.sent) == 1
    site.policy = {"fallback": "none"}
    site.restart()
    for weights in "ab":
        with pytest.raises(RefusedError):
            site.score(weights=weights * 64)
    site.rescore()
    assert site.score(weights="c" * 64).form == "masked"


def test_scores_are_needed_anew_after_a_restart(pair: list[Site]) -> None:
    pair[0].restart()
    with pytest.raises(RefusedError, match="no scores"):
        pair[0].key(terms_of("a", "b"))


@pytest.mark.parametrize("form", ["masked", "cells", "plain"])
def test_scores_are_counted_at_one_operating_point_only(tmp_path: Path, form: str) -> None:
    site = Site(tmp_path, "a", release=form)
    site.score()
    with pytest.raises(RefusedError, match="operating point"):
        site.score(run="validate-2", threshold=0.51)
    site.rescore()
    site.score(run="validate-2", threshold=0.51, weights="b" * 64)


def curves_over(sites: list[Site]) -> tuple[PlacementCurve | None, ...]:
    return curves_of(add([additive_of(s.table, 0.5) for s in sites]), 5)


def test_placements_of_a_masked_release_go_into_a_masked_sum(pair: list[Site]) -> None:
    exchange(pair, terms_of("a", "b"))
    curves = curves_over(pair)
    for site in pair:
        reply = site.releases.placements(PlacementsRequest(run="validate-1", curves=curves))
        assert (reply.form, reply.products) == ("masked", ())
    plain = [products_of([s.table], [curves]).to_vector() for s in pair]
    second = terms_of("a", "b", number=2, subject="clusters", length=len(plain[0]))
    assert (exchange(pair, second) == plain[0] + plain[1]).all()
    third = terms_of("a", "b", number=3, attempt=2, subject="clusters", length=len(plain[0]))
    with pytest.raises(RefusedError, match="opened already"):
        pair[0].key(third)


def test_the_placement_sums_of_a_model_are_made_with_one_set_of_curves(pair: list[Site]) -> None:
    """Two sums over curves that differ at one score tell of the patient who has it."""
    exchange(pair, terms_of("a", "b"))
    site, curves = pair[0], curves_over(pair)
    for run in ("validate-1", "validate-2"):  # the same curves serve as often as asked
        site.score(run=run)
        site.releases.placements(PlacementsRequest(run=run, curves=curves))
    other = (*curves[:-1], None)
    with pytest.raises(RefusedError, match="made with other curves"):
        site.releases.placements(PlacementsRequest(run="validate-2", curves=other))
    site.restart()
    site.score(run="validate-3")
    with pytest.raises(RefusedError, match="made with other curves"):
        site.releases.placements(PlacementsRequest(run="validate-3", curves=other))
    length = len(products_of([site.table], [curves]).to_vector())
    asked = terms_of("a", "b", number=2, subject="clusters", length=length, run="validate-3")
    with pytest.raises(RefusedError, match="was not prepared"):
        site.key(asked)
    site.rescore()  # another model has curves of its own
    site.score(run="validate-3", weights="b" * 64)
    site.releases.placements(PlacementsRequest(run="validate-3", curves=other))


def test_a_model_s_curves_in_a_comparison_are_those_of_its_own_validation(
    pair: list[Site],
) -> None:
    site, curves = pair[0], curves_over(pair)
    site.score()
    site.releases.placements(PlacementsRequest(run="validate-1", curves=curves))
    plan = Plan(name="demo", protocol="t2")
    models = tuple(ComparedModel(model=w, weights=w * 64, plan=plan, threshold=0.5) for w in "ab")
    request = CompareRequest(run="validate-1", models=models, split="external")
    other = replace(site.table, log_probs=table_of("a", 77).log_probs)
    site.releases.compare(request, [site.table, other])
    both = (*curves, *curves)
    site.releases.placements(PlacementsRequest(run="validate-1", curves=both))
    changed = (*curves[:-1], None, *curves)
    with pytest.raises(RefusedError, match="made with other curves"):
        site.releases.placements(PlacementsRequest(run="validate-1", curves=changed))


def test_placements_of_a_plain_release_are_plain(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="plain")
    site.score()
    curves = curves_over([site])
    reply = site.releases.placements(PlacementsRequest(run="validate-1", curves=curves))
    wanted = products_of([site.table], [curves]).to_vector().view(np.int64)
    assert reply.products == tuple(wanted.tolist())


def test_cells_have_no_placement_sums(tmp_path: Path) -> None:
    site = Site(tmp_path, "a", release="cells")
    site.score()
    request = PlacementsRequest(run="validate-1", curves=curves_over([site]))
    with pytest.raises(RefusedError, match="released cells"):
        site.releases.placements(request)
    policy = SiteConfig(site="a", role="validate", address="localhost:1", release="cells")
    with pytest.raises(RefusedError, match="no placement sums"):
        permit(policy, request)


@pytest.mark.parametrize("wrong", ["falling", "too few", "edges"])
def test_a_curve_that_no_distribution_has_is_refused(pair: list[Site], wrong: str) -> None:
    curves = list(curves_over(pair))
    first = curves[0]
    assert first is not None
    if wrong == "falling":
        curves[0] = replace(first, of_positives=first.of_positives[::-1])
    elif wrong == "edges":
        curves[0] = replace(first, edges=(1, *first.edges[1:]))
    else:
        curves.pop()
    with pytest.raises(PayloadError):
        pair[0].releases.placements(PlacementsRequest(run="validate-1", curves=tuple(curves)))


def test_a_plain_release_may_be_over_a_cohort_that_has_grown_by_one_patient(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "a", release="plain")
    for patients in (15, 16, 14):
        site.table = table_of("a", 1, patients)
        assert site.score().patients == patients
    assert not (site.home / "released.json").exists()
    hiding = Site(tmp_path, "b", release="cells")
    hiding.table = table_of("b", 1, 15)
    hiding.score()
    hiding.table = table_of("b", 1, 16)
    made = hiding.score()
    assert made.patients == 15  # the one who came stays hidden
    assert LEFT_OUT in made.suppressed
