"""Training sites give tuning counts in a masked sum alone; what is made of it is exact."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hepafed.common.contract.messages import (
    KeysRequest,
    MaskedReply,
    OpenRequest,
    SumsRequest,
    TrainReply,
    TrainRequest,
)
from hepafed.common.disclosure.masking import slot
from hepafed.common.errors import RunError
from hepafed.common.network.weights import to_bf16
from hepafed.common.statistics.bins import bin_logits
from hepafed.common.statistics.scores import ScoreTable, task_scores
from hepafed.server.training import checkpoints
from hepafed.server.training.rounds import conduct_round
from sklearn.metrics import roc_auc_score, roc_curve

from tests.server.federation import joined, table_of

from .training_federation import Training, TrainingSite, drawn

KEYS = ("benign", "primary_malignant", "metastatic")


def abc(fed: Training, names: str = "abc") -> None:
    """Open sites of 60, 53, 46, … lesions."""
    for number, name in enumerate(names):
        fed.site(name, drawn(name, number, 60 - 7 * number))


def together(fed: Training, names: str, after: int) -> ScoreTable:
    return joined([t for s in names if (t := fed.sites[s].tables(after)) is not None])


def macro(table: ScoreTable) -> float:
    """Give scikit-learn's macro AUC of a table, of the bins of its scores."""
    aucs = []
    for k, key in enumerate(KEYS):
        bins = bin_logits(task_scores(table, "lesion", f"{key}_vs_rest").logits)
        aucs.append(roc_auc_score(table.truth == k, bins))
    return float(np.mean(aucs))


def judged(fed: Training) -> dict[int, float]:
    return {e["round"]: e["auc"] for e in fed.events("judged")}


def reasons(fed: Training, site: str) -> list[str]:
    return [e["reason"] for e in fed.events("missing") if e["site"] == site]


def test_the_pooled_tuning_auc_of_every_round_is_that_of_all_scores_together(fed: Training) -> None:
    abc(fed)
    card = fed.run()
    assert judged(fed) == {n: pytest.approx(macro(together(fed, "abc", n))) for n in (1, 2, 3)}
    assert card.tuning_auc == judged(fed)[card.round]
    assert [e["auc"] for e in fed.events("reply")] == [None] * 9
    assert fed.events("missing", "unsummed", "unjudged") == []


def test_the_threshold_is_the_best_one_of_all_scores_together(fed: Training) -> None:
    abc(fed)
    card = fed.run()
    scores = task_scores(together(fed, "abc", card.round), "patient", "malignant_vs_benign")
    false, true, _ = roc_curve(scores.truth, bin_logits(scores.logits))
    point = card.operating_point
    called = scores.logits >= np.log(point.threshold / (1 - point.threshold))
    index = called[scores.truth].mean() - called[~scores.truth].mean()
    assert index == pytest.approx((true - false).max(), abs=1e-12)
    assert (point.positives, point.negatives) == (scores.truth.sum(), (~scores.truth).sum())
    assert (point.sites, point.chosen_on) == (3, "tuning data of 3 sites")
    assert point.low is not None
    assert point.high is not None
    assert point.low <= point.threshold <= point.high
    assert point.high - point.low < 0.7  # of cells of five or more it would be nearly all of 0…1
    assert card.tuning_scores is not None
    assert sum(card.tuning_scores.positives) == point.positives


def test_a_stated_aim_is_met_on_the_very_patients(fed: Training) -> None:
    abc(fed)
    card = fed.run(rule="sensitivity >= 0.9")
    scores = task_scores(together(fed, "abc", card.round), "patient", "malignant_vs_benign")
    logit = np.log(card.operating_point.threshold / (1 - card.operating_point.threshold))
    least = np.ceil(0.9 * scores.truth.sum())
    assert (scores.logits[scores.truth] >= logit).sum() == least


def test_a_site_that_releases_cells_counts_beside_the_sum_of_the_others(fed: Training) -> None:
    fed.site("a", drawn("a", 0, 60))
    fed.site("b", drawn("b", 1, 53), release="cells")
    fed.site("c", drawn("c", 2, 46))
    fed.run()
    for number, auc in judged(fed).items():
        own, others = fed.sites["b"].tables(number), together(fed, "ac", number)
        assert own is not None
        exact = [
            roc_auc_score(
                own.truth == k, own.log_probs[:, k] - np.log1p(-np.exp(own.log_probs[:, k]))
            )
            for k in range(3)
        ]
        size = len(others.truth)
        wanted = (size * macro(others) + 53 * float(np.mean(exact))) / (size + 53)
        assert auc == pytest.approx(wanted, abs=1e-9)
    assert {tuple(e["sites"]) for e in fed.events("masking")} == {("a", "c")}


@pytest.mark.parametrize("step", [KeysRequest, SumsRequest])
def test_a_site_lost_in_the_first_sum_is_out_of_it_and_the_others_go_on(
    fed: Training, step: type
) -> None:
    abc(fed)
    first: list[object] = []

    def drop(site: str, request: object) -> object:
        if site == "c" and isinstance(request, step) and not first:
            first.append(request)
            return None
        return request

    fed.fleet.hook = drop
    fed.run()
    assert judged(fed) == {n: pytest.approx(macro(together(fed, "ab", n))) for n in (1, 2, 3)}
    assert reasons(fed, "c")[0] == "masked sum: no answer before the deadline"
    assert len(reasons(fed, "c")) == 3
    assert all(
        "outside of the masked sum of a, b; client peers" in r for r in reasons(fed, "c")[1:]
    )


@pytest.mark.parametrize("step", [KeysRequest, SumsRequest, OpenRequest])
def test_a_round_whose_sum_loses_a_site_is_not_judged_and_the_training_goes_on(
    fed: Training, step: type
) -> None:
    """Sites a and b open no sum without c, which was in their first one."""
    abc(fed)
    rounds: list[int] = []

    def drop(site: str, request: object) -> object:
        if isinstance(request, TrainRequest):
            rounds.append(request.round)
        lost = site == "c" and isinstance(request, step) and rounds[-1] == 3
        return None if lost else request

    fed.fleet.hook = drop
    card = fed.run(rounds=4)
    assert sorted(judged(fed)) == [1, 3, 4]
    (line,) = fed.events("unsummed")
    assert (line["round"], line["sites"]) == (2, ["a", "b", "c"])
    assert "c: " in line["reason"]
    assert "a: " not in line["reason"]
    assert [e["round"] for e in fed.events("unjudged")] == [2]
    assert card.round in (3, 4)
    assert card.operating_point.sites == 3


def test_a_coordinator_killed_before_the_opening_goes_on_with_the_same_sum(fed: Training) -> None:
    abc(fed)

    def kill(site: str, request: object) -> object:
        if isinstance(request, OpenRequest) and site == "b":
            raise KeyboardInterrupt
        return request

    fed.fleet.hook = kill
    with pytest.raises(KeyboardInterrupt):
        fed.run()
    fed.fleet.hook = lambda _site, request: request
    fed.run(fed.last)
    assert judged(fed) == {n: pytest.approx(macro(together(fed, "abc", n))) for n in (1, 2, 3)}
    assert len(fed.events("masking")) == 3, "no attempt was made anew"


def judged_and_lost(fed: Training) -> tuple[checkpoints.TrainingState, Callable[[], None]]:
    """Judge the weights of round 1, and lose that; give the state and what does it anew."""
    fed.last = fed.create(rounds=3)
    live, folder = fed.live(fed.last), fed.stores.runs.folder(fed.last.id)
    state = checkpoints.from_initial(folder / "initial.safetensors")

    def conduct() -> None:
        digest = fed.stores.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
        weights = conduct_round(live, state, digest)
        assert weights is not None
        if state.round == 1:
            checkpoints.save(folder, state, weights)

    conduct()
    conduct()
    state.round = 1
    return state, conduct


def test_a_round_that_is_done_anew_takes_the_sum_that_was_opened(fed: Training) -> None:
    """The coordinator was killed after the opening and before the checkpoint; c is away now."""
    abc(fed)
    state, conduct = judged_and_lost(fed)
    state.judged, first = {}, state.judged
    fed.fleet.gone.add("c")
    conduct()
    assert state.judged == first
    assert set(first[1]) == set(state.figures[1]) == {"a b c"}
    assert len(fed.events("masking")) == 1


def test_a_sum_that_was_opened_with_a_site_that_is_no_member_now_is_not_taken(
    fed: Training,
) -> None:
    abc(fed)
    state, conduct = judged_and_lost(fed)
    state.judged, state.figures = {}, {}
    fed.revoked.add("c")
    conduct()
    assert state.judged == {}
    assert [e["reason"] for e in fed.events("unsummed")] == [
        "the sum includes c, no member any more"
    ]


def test_one_sum_of_tuning_counts_is_kept_at_a_time(fed: Training) -> None:
    abc(fed, "ab")
    kept: list[list[str]] = []

    def look(site: str, request: object) -> object:
        if site == "a" and isinstance(request, (KeysRequest, TrainRequest)):
            folder = fed.stores.runs.folder(request.run)
            kept.append([p.name[:20] for p in folder.glob("masked-*.sum")])
        return request

    fed.fleet.hook = look
    fed.run(rounds=3)
    assert kept == [[], [], [], ["masked-tuning-00001-"], [], []]


def test_no_sum_of_tuning_counts_stays_with_the_coordinator(fed: Training) -> None:
    abc(fed)
    fed.run()
    assert list(fed.stores.runs.folder(fed.last.id).glob("masked-*")) == []


class Liar(TrainingSite):
    """A hostile site that states one lesion more than it signs, or sends noise for its counts."""

    noise = False

    def answer(self, request: Any) -> object:  # noqa: ANN401
        made = super().answer(request)
        if isinstance(request, KeysRequest):
            self.terms = request.terms
        if isinstance(made, MaskedReply) and self.noise:
            content = np.random.default_rng(1).bytes(8 * self.terms.length)
            digest = self._ledger.record("masked-tuning", made.run, content)
            self._send(made.run, slot("tuning", self.terms.attempt), content)
            return replace(made, vector=digest)
        if isinstance(made, TrainReply) and not self.noise:
            return replace(made, tuning=replace(made.tuning, lesions=made.tuning.lesions + 1))
        return made


def lying(fed: Training, name: str, *, noise: bool) -> None:
    honest = fed.sites[name]
    made = Liar(fed.folder / name, fed.configs[name], fed.wires[name], honest.tables)
    made.noise = noise
    fed.sites[name] = fed.fleet.sites[name] = made


def test_a_site_that_states_other_numbers_than_it_signs_is_named(fed: Training) -> None:
    abc(fed)
    lying(fed, "b", noise=False)
    fed.run(rounds=2)
    assert [e["reason"] for e in fed.events("unsummed")] == [
        "b signed other numbers of cases than it stated"
    ]
    assert fed.stores.registry.all()


def test_a_vector_of_noise_is_not_believed_and_kills_no_run(fed: Training) -> None:
    abc(fed)
    lying(fed, "b", noise=True)
    card = fed.run(rounds=2)
    assert judged(fed) == {}
    lines = fed.events("unsummed")
    assert [e["round"] for e in lines] == [1, 2]
    assert all("sums of a, b, c are" in e["reason"] for e in lines)
    assert (card.round, card.tuning_auc) == (2, None)
    assert "placeholder" in card.operating_point.rule
    (frozen,) = fed.events("frozen")
    assert frozen["placeholder"] == card.operating_point.rule


def test_a_sum_with_a_site_that_was_revoked_goes_whole(fed: Training) -> None:
    """Nobody can take one site out of it; the others sum with no other group until they say so."""
    abc(fed)

    def revoke(site: str, request: object) -> object:
        if isinstance(request, TrainRequest) and request.round == 3 and site == "a":
            fed.revoked.add("b")
        return request

    fed.fleet.hook = revoke
    card = fed.run(rounds=3)
    assert sorted(judged(fed)) == [1]
    assert [e["sites"] for e in fed.events("forgotten")] == [["b"]]
    assert (card.round, card.tuning_auc, card.tuning_scores) == (3, None, None)
    assert any(
        "b gave none in this round; client peers --new-group" in r for r in reasons(fed, "a")
    )


def test_with_a_stated_aim_a_training_that_was_never_judged_says_what_to_do(fed: Training) -> None:
    fed.site("a")
    with pytest.raises(RunError, match=r"no threshold can be chosen with sensitivity >= 0\.9") as e:
        fed.run(rounds=2, rule="sensitivity >= 0.9")
    assert f"server watch {fed.last.id} shows why no round was judged" in e.value.hint
    assert f"server resume {fed.last.id} --operating-point RULE" in e.value.hint
    assert (
        reasons(fed, "a") == ["no other site sums its tuning counts under masks with this one"] * 2
    )


def test_a_small_tuning_split_is_refused_in_words_and_the_others_are_judged(fed: Training) -> None:
    """One patient of a class among 31: too few tables, whatever the others have."""
    abc(fed)
    fed.site("d", lambda _after: table_of("d", 5, 2))
    fed.site("e", lambda _after: None)
    fed.run(rounds=2)
    assert judged(fed) == {n: pytest.approx(macro(together(fed, "abc", n))) for n in (1, 2)}
    first, second = reasons(fed, "d")
    assert "tables of this site's scores possible; its policy asks for 1000" in first
    assert "outside of the masked sum of a, b, c" in second
    assert set(reasons(fed, "e")) == {
        "no tuning counts: no lesion of the tuning split has the sequences of the plan"
    }


def test_few_tuning_patients_in_all_are_not_summed_and_it_is_said(fed: Training) -> None:
    for number, name in enumerate("abc"):
        fed.site(name, drawn(name, number, 12))
    card = fed.run(rounds=1)
    assert judged(fed) == {}
    assert all(
        "masked sum: refused: a masked sum over 18 patients; this site's policy asks for 20" in r
        for s in "abc"
        for r in reasons(fed, s)
    )
    assert card.operating_point.threshold == 0.5


def test_a_worker_that_was_restarted_before_the_sum_is_lost_from_it(fed: Training) -> None:
    abc(fed)
    again: list[str] = []

    def restart(site: str, request: object) -> object:
        if site == "b" and isinstance(request, KeysRequest) and not again:
            again.append(site)
            fleet = fed.fleet
            fed.start("b")
            fleet.sites["b"], fed.fleet = fed.sites["b"], fleet
        return request

    fed.fleet.hook = restart
    fed.run(rounds=1)
    assert reasons(fed, "b") == ["masked sum: refused: this site has no scores of that run"]
    assert judged(fed) == {1: pytest.approx(macro(together(fed, "ac", 1)))}


def test_the_next_training_sums_with_the_same_group_and_names_a_newcomer(fed: Training) -> None:
    abc(fed)
    fed.run(rounds=1)
    fed.site("d", drawn("d", 9, 70))
    fed.run(rounds=1)
    assert judged(fed) == {1: pytest.approx(macro(together(fed, "abc", 1)))}
    (why,) = reasons(fed, "d")
    assert "outside of the masked sum of a, b, c; client peers --new-group" in why


def test_a_site_with_most_lesions_of_a_sum_is_named(fed: Training) -> None:
    fed.site("a", drawn("a", 0, 62))
    fed.site("b", drawn("b", 1, 38))
    fed.run(rounds=1, max_share=0.6)
    assert [(e["site"], e["lesions"], e["of"]) for e in fed.events("heavy")] == [("a", 62, 100)]
    fed.run(rounds=1, max_share=0.62)
    assert fed.events("heavy") == []


@pytest.mark.parametrize("word", ["median", "trimmed-mean", "krum"])
def test_a_masked_sum_does_not_take_the_updates_that_a_rule_needs_at_once(
    fed: Training, word: str
) -> None:
    abc(fed, "abcde")
    card = fed.run(rounds=3, strategy=word, weights="equal", quorum=5)
    assert card.strategy == word
    assert sorted(judged(fed)) == [1, 2, 3]
    weights = checkpoints.weights_of_round(
        fed.stores.runs.folder(fed.last.id), fed.state(), fed.state().round
    )
    assert weights.tolist() == [(1 + 2 + 3) / 8] * 5
