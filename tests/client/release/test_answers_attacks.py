"""Who holds a person's images asks about networks made for them, and learns nothing of them here.

The network's features are real, its last layer is the attacker's; what a site answers goes through
its own release. An attack counts as good as the best reader of everything that came back.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hepafed.client.cohort import Cohort, Crop
from hepafed.client.learning.images import Images
from hepafed.client.learning.scoring import score
from hepafed.client.learning.trainer import Trainer
from hepafed.client.release.answers import LEFT_OUT
from hepafed.client.release.lesion_history import LesionHistory
from hepafed.client.release.questions import QuestionHistory
from hepafed.client.release.sum_history import SumHistory
from hepafed.common.contract.messages import ComparedModel, CompareRequest, SiteComparison
from hepafed.common.contract.plan import ModelPlan, Plan
from hepafed.common.errors import RefusedError
from hepafed.common.network import flatten
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable, rows_of
from numpy.typing import NDArray

from .releasing import Site, table_of

Floats = NDArray[np.float64]
PLAN = Plan(name="small", protocol="t2", model=ModelPlan(size=75))
PATIENTS, COHORTS, STRANGERS = 25, 4, 25
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Known:
    """A site's cohort, its warm trainer, and the features that an attacker has of images."""

    trainer: Trainer
    members: Floats
    strangers: Floats

    def scores(self, weight: Floats, bias: Floats) -> ScoreTable:
        """Score the cohort with a last layer of the attacker's."""
        network = self.trainer.network(PLAN)
        last = network.module[6]
        with torch.no_grad():
            last.weight.copy_(torch.from_numpy(weight))
            last.bias.copy_(torch.from_numpy(bias))
        weights = flatten(network.module, network.layout)
        return score(self.trainer, PLAN, weights, "external", "a")


def features(trainer: Trainer) -> Floats:
    """What the network's last layer is given, [patients, 8]."""
    images: Images = trainer.images(PLAN, "external")
    body = trainer.network(PLAN).module[:6]
    body.eval()
    with torch.inference_mode():
        made = body(images.pixels(slice(None), CPU)).double().numpy()
    return np.array(made[np.argsort(np.array(images.selection.lesions))])


def picture(seed: int) -> NDArray[np.float16]:
    """A lesion's slice: coarse and fine texture, others for another seed."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.normal(size=(10, 10)), np.ones((16, 16)))
    return np.asarray(coarse + rng.normal(size=(160, 160)), np.float16)


def cohort_of(home: Path, first: int, count: int) -> Trainer:
    Cohort.create(home).add(
        Crop(f"l{i:04}", f"p{i:04}", i % 3, ("t2",), picture(i)[None, None])
        for i in range(first, first + count)
    )
    return Trainer(home, 0, "cpu")


@pytest.fixture
def known(small: None, tmp_path: Path) -> list[Known]:
    strangers = features(cohort_of(tmp_path / "strangers", 9000, STRANGERS))
    made = []
    for k in range(COHORTS):
        trainer = cohort_of(tmp_path / f"cohort{k}", 100 * k, PATIENTS)
        made.append(Known(trainer, features(trainer), strangers))
    return made


def aimed_at(person: Floats, others: Floats) -> tuple[Floats, float]:
    """A direction on which a person stands out of images that the attacker has, and the shift."""
    centre = others.mean(0)
    spread = (others - centre).T @ (others - centre) / len(others)
    direction = np.linalg.solve(spread + 1e-3 * np.trace(spread) * np.eye(8), person - centre)
    direction *= 2.0 / (direction @ (person - centre))
    return direction, float(-direction @ centre)


def last_layer(direction: Floats, shift: float, salt: float) -> tuple[Floats, Floats]:
    """Score of the second class; the salt changes the digest and nothing else."""
    weight = np.zeros((3, 8))
    weight[1] = direction
    return weight, np.array([0.0, shift, -60.0 - salt])


def ask(site: Site, table: ScoreTable, weights: str, threshold: float) -> str:
    """Everything that comes back of a question but its names, or that it was refused."""
    site.table = table
    try:
        made = site.score(run="v-" + weights[:4], weights=weights * 32, threshold=threshold)
    except RefusedError as e:
        return e.message
    return json.dumps(write_record(replace(made, run="", weights="")))


def difference(first: str, second: str) -> str:
    """What an attacker sees: refusals, and how the counts of patients' calls and AUCs differ."""
    if "{" not in first or "{" not in second:
        return f"{first[:1] == '{'} {second if second[:1] != '{' else ''}"
    tasks = [json.loads(text)["tasks"][0] for text in (first, second)]
    seen = [[t["true_positives"], t["true_negatives"], t["auc"].get("value")] for t in tasks]
    pairs = zip(*seen, strict=True)
    return str([None if a is None or b is None else round(b - a, 6) for a, b in pairs])


def best_reader(members: list[str], strangers: list[str]) -> float:
    """The share of right guesses of the best rule from what is seen to member or stranger."""
    counts = [Counter(members), Counter(strangers)]
    seen = set(counts[0]) | set(counts[1])
    return sum(max(c[s] for c in counts) for s in seen) / (len(members) + len(strangers))


def two_questions(known: Known, person: Floats, site: Site) -> str:
    """Ask just above and just below a person's score, of two networks that differ in a salt."""
    direction, shift = aimed_at(person, known.strangers)
    own = float(direction @ person) + shift
    answers = []
    for number, step in enumerate((2e-3, -2e-3)):
        table = known.scores(*last_layer(direction, shift, number + 1))
        threshold = float(1 / (1 + np.exp(-own - step)))
        answers.append(ask(site, table, f"{number:02}", threshold))
    return difference(answers[0], answers[1])


def trials(known: list[Known], make: Callable[[], Site], count: int) -> tuple[list[str], list[str]]:
    """What an attacker sees of members and of strangers, each time at a site that starts anew."""
    members, strangers = [], []
    for k in known:
        for i in range(count):
            members.append(two_questions(k, k.members[i], make()))
            strangers.append(two_questions(k, k.strangers[i], make()))
    return members, strangers


@pytest.fixture
def sites(tmp_path: Path) -> Callable[..., Site]:
    numbers = iter(range(10**6))

    def make(**policy: object) -> Site:
        return Site(tmp_path / f"site{next(numbers)}", "a", **policy)

    return make


@pytest.mark.parametrize(("form", "count"), [("masked", 25), ("cells", 5)])
def test_two_questions_about_a_person_tell_no_better_than_chance(
    known: list[Known], sites: Callable[..., Site], form: str, count: int
) -> None:
    members, strangers = trials(known, lambda: sites(release=form), count)
    assert len(members) + len(strangers) == 8 * count
    assert best_reader(members, strangers) <= 0.55


def test_without_the_rule_two_questions_tell_of_nearly_everybody(
    known: list[Known], sites: Callable[..., Site]
) -> None:
    members, strangers = trials(known[:1], lambda: sites(release="plain"), 20)
    assert best_reader(members, strangers) >= 0.9


def test_one_question_that_is_0_for_all_but_a_person_is_refused_with_and_without_the_person(
    sites: Callable[..., Site],
) -> None:
    said = set()
    for person in (0.0, 9.0):
        scores = np.zeros(40)
        scores[7] = person
        said.add(ask(sites(), aimed(scores), "01", 0.5))
    (answer,) = said
    assert "a few patients" in answer


def test_a_refusal_does_not_count_patients_beside_known_ones(sites: Callable[..., Site]) -> None:
    # four known patients are moved, and a fifth who is a patient or not: a limit of five would tell
    rng = np.random.default_rng(4)
    seen: list[list[str]] = [[], []]
    for _ in range(60):
        scores = rng.normal(size=60)
        for member in (0, 1):
            site = sites()
            ask(site, aimed(scores), "01", 0.5)
            moved = scores.copy()
            moved[: 4 + member] += 50.0 + np.arange(4 + member)
            seen[member].append(ask(site, aimed(moved, 1), "02", 0.5)[:1])
    members, strangers = seen[1], seen[0]
    assert best_reader(members, strangers) <= 0.5 + 1 / 20 + 0.08  # one of ten limits, and chance


def copies(site: Site, scores: Floats) -> Callable[..., str]:
    """Answer one question; then ask again in one way or another, a person's score moved or not."""
    ask(site, aimed(scores), "01", 0.5)

    def again(**changes: object) -> str:
        try:
            site.table = aimed(scores, 1)
            return str(site.score(run="v-2", weights="02" * 32, **changes).form)
        except RefusedError as e:
            return e.message

    return again


WAYS: dict[str, dict[str, object]] = {
    "another threshold": {"threshold": 0.6},
    "the same threshold": {},
    "subgroups": {"subgroups": ("vendor",)},
    "another model's name": {"model": "other"},
    "another plan": {"plan": Plan(name="demo", protocol="t2", seed=9)},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("restarted", [False, True])
def test_no_way_to_ask_leads_round_the_rule(
    sites: Callable[..., Site], way: str, restarted: bool
) -> None:
    scores = np.random.default_rng(2).normal(size=40)
    site = sites()
    again = copies(site, scores)
    if restarted:
        site.restart()
    assert "a few patients" in again(**WAYS[way])
    site.table = honest(3)
    assert site.score(run="v-3", weights="03" * 32, **WAYS[way]).patients == 40


def test_a_comparison_leads_not_round_the_rule_either(sites: Callable[..., Site]) -> None:
    scores = np.random.default_rng(2).normal(size=40)
    site = sites()
    ask(site, aimed(scores), "01", 0.5)
    with pytest.raises(RefusedError, match="a few patients"):
        compare(site, honest(3), aimed(scores, 1))
    with pytest.raises(RefusedError, match="a few patients"):
        compare(sites(), aimed(scores), aimed(scores, 1))
    assert compare(site, honest(3), honest(4)).patients == 40


def test_a_new_group_does_not_forget_what_was_asked(sites: Callable[..., Site]) -> None:
    scores = np.random.default_rng(2).normal(size=40)
    site = sites()
    again = copies(site, scores)
    SumHistory(site.home).new_group()
    LesionHistory(site.home).forget()
    assert "a few patients" in again()


def test_a_study_of_four_models_and_looks_again_is_answered(sites: Callable[..., Site]) -> None:
    site = sites()
    for look in range(3):
        for model in range(4):
            site.table = honest(10 + model)
            made = site.score(run=f"look-{look}-{model}", weights=f"{model:02}" * 32)
            assert made.patients == 40
    compare(site, honest(14), honest(15))
    assert len({a.question for a in QuestionHistory(site.home, site.ledger).past().answered}) == 6


@pytest.mark.parametrize("lacking", [1, 3])
def test_a_model_that_cannot_score_a_few_does_not_show_of_which_class_they_are(
    sites: Callable[..., Site], lacking: int
) -> None:
    site = sites()
    site.table = honest(3)
    first = site.score(run="v-1")
    site.table = rows_of(honest(4), np.arange(lacking, 40))
    second = site.score(run="v-2", weights="04" * 32)
    assert first.patients - second.patients == 5
    assert sum(second.by_class.values()) == second.patients
    assert LEFT_OUT in second.suppressed
    assert LEFT_OUT not in first.suppressed
    site.table = rows_of(honest(5), np.arange(20))
    assert site.score(run="v-3", weights="05" * 32).patients <= 20


def test_models_that_cannot_score_a_few_are_compared_over_parts_of_enough_patients(
    sites: Callable[..., Site],
) -> None:
    site = sites()
    site.table = honest(3)
    assert site.score(run="v-1", weights="e" * 64, plan=PLAN).patients == 40
    made = compare(site, honest(3), rows_of(honest(4), np.arange(1, 40)))
    assert made.patients == 35
    assert made.form == "figures"


def test_a_comparison_is_remembered_over_the_lesions_that_it_is_of(
    sites: Callable[..., Site],
) -> None:
    site = sites()
    made = compare(site, honest(3), rows_of(honest(4), np.arange(2, 40)))
    assert made.patients == 38
    site.table = honest(6)
    assert site.score(run="v-2", weights="06" * 32).patients == 38  # two would stand alone


def honest(seed: int) -> ScoreTable:
    return replace(table_of("a", 1, 40), log_probs=table_of("a", seed, 40).log_probs)


def aimed(scores: Floats, salt: float = 0.0) -> ScoreTable:
    raw = np.column_stack([np.zeros(len(scores)), scores, np.full(len(scores), -60.0 - salt)])
    made = table_of("a", 1, len(scores))
    return replace(made, log_probs=raw - np.logaddexp.reduce(raw, axis=1, keepdims=True))


def compare(site: Site, first: ScoreTable, second: ScoreTable) -> SiteComparison:
    models = tuple(
        ComparedModel(model=w, plan=PLAN, weights=w * 64, threshold=0.5) for w in ("e", "f")
    )
    request = CompareRequest(run="c-1", split="external", models=models)
    return site.releases.compare(request, [first, second])
