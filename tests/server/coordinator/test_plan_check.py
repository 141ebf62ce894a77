"""What hinders a training is said before it starts, all at once."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract.plan import DataPlan, ModelPlan, Plan, RoundsPlan, TrainingPlan
from hepafed.common.errors import BusyError, PlanError, RefusedError, UnreachableError
from hepafed.common.files import write_whole
from hepafed.common.json_file import sealed
from hepafed.server.coordinator.estimate import PARAMETERS, copy_bytes
from hepafed.server.coordinator.plan_check import PlanCheck, must_pass
from hepafed.server.coordinator.preparation import StartingWeights
from hepafed.server.members.roster import SiteEntry
from hepafed.server.rehearsal import size_words
from hepafed.server.runs.store import Run, Runs

PLAN = Plan(name="a", protocol="t2-dwi", rounds=RoundsPlan(count=20, quorum=2))
PLENTY = 10**12


@dataclass
class Known:
    """What a coordinator knows, and a check over it."""

    home: Path
    sites: dict[str, SiteEntry] = field(default_factory=dict)
    online: set[str] | None = None
    free: int = PLENTY
    make: Callable[[Plan, Path | None], StartingWeights] = lambda _plan, _out: StartingWeights(
        (), ""
    )

    def __post_init__(self) -> None:
        self.runs = Runs(self.home)

    def site(self, name: str, role: str = "train", **values: Any) -> None:  # noqa: ANN401
        self.sites[name] = SiteEntry(site=name, role=role, **{"node": "7", **values})

    def who_is_online(self) -> set[str]:
        if self.online is None:
            return {*self.sites}
        return self.online

    def look(self, plan: Plan = PLAN) -> dict[str, CheckLine]:
        membership = SimpleNamespace(online=self.who_is_online)
        members = SimpleNamespace(sites=lambda: self.sites)
        check = PlanCheck(
            self.runs, cast("Any", members), cast("Any", membership), lambda: self.free, self.make
        )
        lines = check.look(plan)
        found = {line.name: line for line in lines}
        assert len(found) == len(lines)
        return found

    def survey(self, answers: dict[str, int | None], *silent: str) -> Run:
        """Keep the answers of a survey: patients with T2 and DWI."""
        run = self.runs.create("cohort", Plan(name="cohort", protocol="t2"))
        sites = {s: {"by_protocol": {"t2": 50, "t2-dwi": n}} for s, n in answers.items()}
        content = {"sites": sites, "missing": dict.fromkeys(silent, "refused")}
        write_whole(self.runs.folder(run.id) / "cohort.json", sealed(content))
        return run

    def trained(self, plan: Plan, *seconds: float, status: str = "completed") -> Run:
        """Keep a run with rounds of so many seconds."""
        run = self.runs.create("train", plan)
        for n, took in enumerate(seconds, 1):
            self.runs.event(run.id, "done", round=n, seconds=took)
        return self.runs.change(run.id, status=status)


@pytest.fixture
def known(tmp_path: Path) -> Known:
    made = Known(tmp_path)
    made.site("a")
    made.site("b")
    return made


def test_a_plan_that_nothing_hinders_passes_with_an_estimate(known: Known) -> None:
    known.survey({"a": 40, "b": 33})
    found = known.look()
    assert {n: line.state for n, line in found.items()} == {
        "quorum": PASS, "protocol": PASS, "disk": PASS, "weights": PASS, "time": NOTE,
        "bytes": NOTE,
    }  # fmt: skip
    must_pass(found.values())
    assert "rounds.quorum is 2 training sites; online: a, b" in found["quorum"].found
    today = known.runs.all()[0].created[:10]
    assert f"a 40 patients ({today}); b 33 patients ({today})" in found["protocol"].found


def test_a_quorum_that_the_enrolled_sites_cannot_meet_is_refused(known: Known) -> None:
    known.site("c", role="validate")
    known.site("d", revoked=True)
    known.site("e", node="")  # invited
    line = known.look(replace(PLAN, rounds=RoundsPlan(quorum=3)))["quorum"]
    assert (line.state, line.found) == (FAIL, "rounds.quorum is 3 training sites; enrolled: a, b")
    assert "server invite" in line.hint


def test_a_quorum_that_is_not_online_is_refused_and_the_absent_named(known: Known) -> None:
    known.site("c")
    known.online = {"b", "x"}
    line = known.look()["quorum"]
    assert line.state == FAIL
    assert line.found.endswith("training sites; online: b; offline: a, c")
    known.online = {"b", "c"}
    assert known.look()["quorum"].state == PASS


def test_without_flower_who_is_online_is_said_not_to_be_known(known: Known) -> None:
    def away() -> set[str]:
        raise UnreachableError("the SuperLink does not answer", "wait a moment")

    known.who_is_online = away  # type: ignore[method-assign]
    line = known.look()["quorum"]
    assert (line.state, line.hint) == (FAIL, "wait a moment")
    assert "is not known: the SuperLink does not answer" in line.found


def test_a_protocol_that_no_site_has_is_refused(known: Known) -> None:
    known.survey({"a": 0, "b": 0})
    line = known.look()["protocol"]
    assert line.state == FAIL
    assert line.found == "examinations for t2-dwi (t2, dwi): none at a, b"
    assert "server cohort" in line.hint
    assert known.look(replace(PLAN, protocol="t2"))["protocol"].state == PASS
    assert known.look(replace(PLAN, protocol="enhanced"))["protocol"].state == FAIL


@pytest.mark.parametrize(
    ("answers", "silent", "state"),
    [
        ({"a": 9, "b": 0}, (), FAIL),  # one site is left, two are the quorum
        ({"a": 9, "b": None}, (), PASS),  # withheld: there are some
        ({"a": 9}, ("b",), NOTE),
        ({}, ("a", "b"), NOTE),
        ({"a": 0}, ("b",), FAIL),
    ],
)
def test_sites_that_may_have_a_protocol_must_make_the_quorum(
    known: Known, answers: dict[str, int | None], silent: tuple[str, ...], state: str
) -> None:
    known.survey(answers, *silent)
    line = known.look()["protocol"]
    assert line.state == state
    assert ("not known for" in line.found) == bool(silent)
    if silent:
        assert "share_cohort_summary" in line.hint


def test_a_protocol_of_which_nothing_is_known_is_said_with_how_to_learn_it(known: Known) -> None:
    line = known.look()["protocol"]
    assert (line.state, line.found) == (
        NOTE,
        "examinations for t2-dwi (t2, dwi): not known for a, b",
    )
    assert line.hint.startswith("server cohort asks the sites")


def test_what_a_site_said_last_counts(known: Known) -> None:
    known.survey({"a": 0, "b": 0})
    known.survey({"a": 12, "b": 7})
    assert known.look()["protocol"].state == PASS
    known.survey({"a": 12}, "b")  # b does not say it any more
    assert "not known for b" in known.look()["protocol"].found
    run = known.trained(PLAN)
    reason = "refused: no lesion of the train split has the sequences of t2-dwi; see"
    known.runs.event(run.id, "missing", site="a", reason=reason)
    known.runs.event(run.id, "reply", site="b", examples=4)
    line = known.look()["protocol"]
    assert line.state == FAIL
    assert "b some" in line.found
    assert "none at a" in line.found


def test_a_reason_about_another_protocol_or_cause_says_nothing(known: Known) -> None:
    run = known.trained(PLAN)
    for reason in ("no answer before the deadline", "refused: policy"):
        known.runs.event(run.id, "missing", site="a", reason=reason)
    other = known.trained(replace(PLAN, protocol="t2"))
    known.runs.event(other.id, "reply", site="b", examples=4)
    assert "not known for a, b" in known.look()["protocol"].found


def test_surveys_say_nothing_of_a_plan_that_fills_missing_sequences(known: Known) -> None:
    known.survey({"a": 0, "b": 0})
    line = known.look(replace(PLAN, data=DataPlan(missing="zero")))["protocol"]
    assert line.state == NOTE


def test_a_damaged_survey_is_passed_over(known: Known) -> None:
    run = known.survey({"a": 0, "b": 0})
    (known.runs.folder(run.id) / "cohort.json").write_text("{")
    assert known.look()["protocol"].state == NOTE


@pytest.mark.parametrize(("more", "state"), [(-1, FAIL), (0, PASS)])
def test_a_disk_on_which_the_run_has_no_room_is_refused(
    known: Known, more: int, state: str
) -> None:
    need = copy_bytes(PLAN) * (2 * 7 + 3 + 2)
    known.free = need + more
    line = known.look()["disk"]
    assert line.state == state
    assert f"the run needs {size_words(need)}" in line.found


def test_trainings_that_have_not_ended_need_their_room_as_well(known: Known) -> None:
    known.free = copy_bytes(PLAN) * 19 + 1000
    ended = known.trained(PLAN, status="failed")
    assert known.look()["disk"].state == PASS
    known.runs.change(ended.id, status="queued")
    line = known.look()["disk"]
    assert line.state == FAIL
    assert "and 1 trainings before it" in line.found


@pytest.mark.parametrize(
    ("training", "model", "refused"),
    [
        (TrainingPlan(batch=1), ModelPlan(), True),
        (TrainingPlan(batch=1), ModelPlan(freeze_norm=True), False),
        (TrainingPlan(batch=1, epochs=0), ModelPlan(), False),
        (TrainingPlan(batch=2), ModelPlan(), False),
        (TrainingPlan(batch=0), ModelPlan(), False),
    ],
)
def test_a_batch_of_one_image_is_refused_where_batchnorm_learns(
    known: Known, training: TrainingPlan, model: ModelPlan, refused: bool
) -> None:
    found = known.look(replace(PLAN, training=training, model=model))
    assert ("batch" in found) is refused
    if refused:
        assert found["batch"].state == FAIL
        assert "freeze_norm" in found["batch"].hint


def test_weights_are_looked_at_and_what_is_done_to_them_is_said(known: Known) -> None:
    asked: list[tuple[Plan, Path | None]] = []

    def make(plan: Plan, out: Path | None) -> StartingWeights:
        asked.append((plan, out))
        return StartingWeights(("it starts anew", "float16"), "")

    known.make = make
    assert known.look()["weights"].found == "random, from seed 0"
    assert asked == []
    plan = replace(PLAN, model=ModelPlan(weights="/data/net.safetensors"))
    line = known.look(plan)["weights"]
    assert (line.state, line.found) == (PASS, "net.safetensors: it starts anew; float16")
    assert asked == [(plan, None)]


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("net.safetensors", None, "must be a full path"),
        ("/net.pth", PlanError("model.weights: net.pth is …", "convert it"), "net.pth is …"),
        ("/net.pth", BusyError("being looked at"), "being looked at"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_their_reason(
    known: Known, path: str, error: Exception | None, words: str
) -> None:
    def make(_plan: Plan, _out: Path | None) -> StartingWeights:
        assert error is not None
        raise error

    known.make = make
    line = known.look(replace(PLAN, model=ModelPlan(weights=path)))["weights"]
    assert line.state == FAIL
    assert words in line.found
    assert line.hint


REHEARSAL = replace(PLAN, training=TrainingPlan(epochs=0), rounds=RoundsPlan(count=2))


def test_hours_come_from_a_rehearsal_of_the_same_network(known: Known) -> None:
    assert known.look()["time"].found.startswith("not known")
    assert "training.epochs = 0" in known.look()["time"].hint
    for other in (
        replace(REHEARSAL, protocol="t2"),
        replace(REHEARSAL, model=ModelPlan(size=75)),
        replace(REHEARSAL, data=DataPlan(missing="zero")),
        replace(PLAN, training=TrainingPlan(epochs=5)),
    ):
        known.trained(other, 7.0)
    known.trained(REHEARSAL)  # no round was done
    assert known.look()["time"].found.startswith("not known")
    run = known.trained(REHEARSAL, 100.0, 30.0, 40.0)
    line = known.look()["time"]
    assert line.state == NOTE
    assert line.found == (
        f"at least 13 min: 20 rounds of 40.0 s without the training, as in the rehearsal {run.id}; "
        "the sites' training comes on top"
    )
    again = known.look(replace(REHEARSAL, rounds=RoundsPlan(count=3)))["time"]
    assert again.found == f"about 2 min: 3 rounds of 40.0 s, as in {run.id}"


def test_a_run_that_trained_as_the_plan_does_goes_before_a_rehearsal(known: Known) -> None:
    run = known.trained(replace(PLAN, name="b", seed=4), 600.0)
    known.trained(REHEARSAL, 5.0)
    line = known.look()["time"]
    assert line.found == f"about 3.3 h: 20 rounds of 10 min, as in {run.id}"


def test_a_deadline_that_was_too_short_before_is_said(known: Known) -> None:
    known.trained(PLAN, 60.0, 601.0)
    fits = known.look(replace(PLAN, rounds=RoundsPlan(deadline=601)))["time"]
    assert fits.hint == ""
    short = known.look(replace(PLAN, rounds=RoundsPlan(deadline=600)))["time"]
    assert "up to 10 min" in short.found
    assert "rounds.deadline" in short.hint


def test_bytes_are_those_of_every_round_and_site(known: Known) -> None:
    one = copy_bytes(PLAN)
    assert one == 2 * (PARAMETERS + 288)
    line = known.look()["bytes"]
    assert line.found == (
        f"each site receives {21 * one / 1e9:.1f} GB and sends {20 * one / 1e9:.1f} GB; "
        f"{2 * 41 * one / 1e9:.1f} GB at the coordinator with 2 sites"
    )


def test_every_reason_is_in_the_refusal_and_the_only_one_with_its_hint() -> None:
    one, two = CheckLine("quorum", FAIL, "too few", "invite"), CheckLine("disk", FAIL, "full", "x")
    must_pass([CheckLine("a", PASS, "b"), CheckLine("c", NOTE, "d", "e")])
    with pytest.raises(RefusedError, match=r"^too few$") as refused:
        must_pass([one, CheckLine("a", PASS, "b")])
    assert refused.value.hint == "invite"
    with pytest.raises(RefusedError, match=r"^too few\nfull$") as refused:
        must_pass([one, two])
    assert "--check" in refused.value.hint


def test_a_line_names_ten_sites_and_counts_the_others(known: Known) -> None:
    for n in range(30):
        known.site(f"s{n:02}")
    line = known.look(replace(PLAN, rounds=RoundsPlan(quorum=40)))["quorum"]
    assert line.found.endswith("s06, s07 and 22 more")
    assert known.look()["protocol"].found.endswith("and 22 more")
