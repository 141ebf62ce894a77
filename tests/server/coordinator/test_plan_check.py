"""What hinders a training is said before it starts, all at once."""

from dataclasses import replace

import pytest
from hepafed.common.console import FAIL, NOTE, PASS, CheckLine
from hepafed.common.contract.plan import DataPlan, RoundsPlan
from hepafed.common.errors import RefusedError, UnreachableError
from hepafed.server.coordinator.plan_check import must_pass

from .known import PLAN, Known


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
