"""A plan file is read strictly: every wrong key, type or value is named."""

from pathlib import Path

import pytest
from hepafed.common.contract.plan import Aim, Plan, aim_of, plan_from
from hepafed.common.contract.plan_file import read_plan
from hepafed.common.errors import PlanError
from hepafed.common.records import write_record

GOOD = 'name = "t2"\nprotocol = "t2"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    return path


def test_a_plan_reads_back_what_was_written(tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path, GOOD + "[training]\nrate = 1\n"))
    assert plan.training.rate == 1.0
    assert plan_from(write_record(plan)) == plan
    assert isinstance(plan, Plan)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD + "epochs = 3\n", "epochs"),
        (GOOD + "[training]\nepoch = 3\n", "training.epoch"),
        (GOOD + '[training]\nepochs = "3"\n', "training.epochs"),
        (GOOD + "[training]\nepochs = true\n", "training.epochs"),
        (GOOD + "[training]\nepochs = -1\n", "training.epochs"),
        (GOOD + "[training]\nrate = nan\n", "training.rate"),
        (GOOD + "[model]\nsize = 74\n", "model.size"),
        (GOOD + '[rounds]\nstrategy = "best"\n', "rounds.strategy"),
        (GOOD + "[training]\nbudget = 60\n", "training.budget: .* fedavg would count"),
        (GOOD + '[training]\nbudget = 60\n[rounds]\nstrategy = "fedavg"\n', "training.budget"),
        (GOOD + '[training]\nbudget = -1\n[rounds]\nstrategy = "fednova"\n', "training.budget"),
        (GOOD + '[training]\nbudget = "20m"\n', "training.budget must be a whole number"),
        (GOOD + '[rounds]\nmissing = "wait"\n', "rounds.missing: 'wait' is not one of warn, stop"),
        (GOOD + "[rounds]\nmissing_share = 0.0\n", "rounds.missing_share"),
        (GOOD + "[rounds]\nmissing_share = 1.1\n", "rounds.missing_share"),
        (GOOD + "[rounds]\nmissing_rounds = 0\n", "rounds.missing_rounds"),
        (GOOD + "training = 3\n", "training"),
        (GOOD + '[operating_point]\nrule = "sensitivity > 0.9"\n', "operating_point.rule"),
        (GOOD + '[operating_point]\naim = "youden"\n', "operating_point.aim"),
        ('name = "t2"\nprotocol = "t7"\n', "protocol"),
        ('name = "../x"\nprotocol = "t2"\n', "name"),
        ('protocol = "t2"\n', "name"),
        ("protocol = = 3", "TOML"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(PlanError, match=named):
        read_plan(write(tmp_path, text))


def test_a_missing_plan_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(tmp_path / "none.toml")
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_made_up_data_are_written_only_where_they_are_so_that_older_sites_read_the_plan() -> None:
    plan = Plan(name="t2", protocol="t2")
    assert "synthetic" not in write_record(plan)
    made_up = plan_from({"name": "t2", "protocol": "t2", "synthetic": True})
    assert made_up.synthetic
    assert write_record(made_up)["synthetic"] is True
    with pytest.raises(PlanError, match="synthetic must be true or false"):
        plan_from({"name": "t2", "protocol": "t2", "synthetic": "yes"})


@pytest.mark.parametrize(
    ("rule", "aim"),
    [
        ("youden", None),
        ("sensitivity >= 0.95", Aim("sensitivity", 0.95)),
        ("specificity>=0.9", Aim("specificity", 0.9)),
        (" sensitivity  >=  0.999 ", Aim("sensitivity", 0.999)),
        ("specificity >= 0.5", Aim("specificity", 0.5)),
    ],
)
def test_the_rule_of_the_operating_point_is_youden_or_an_aim(
    tmp_path: Path, rule: str, aim: Aim | None
) -> None:
    plan = read_plan(write(tmp_path, GOOD + f'[operating_point]\nrule = "{rule}"\n'))
    assert aim_of(plan.operating_point.rule) == aim
    assert plan_from(write_record(plan)) == plan


@pytest.mark.parametrize(("budget", "good"), [(0, True), (599, True), (600, False), (601, False)])
def test_a_budget_is_shorter_than_the_deadline(tmp_path: Path, budget: int, good: bool) -> None:
    text = f'[training]\nbudget = {budget}\n[rounds]\nstrategy = "fednova"\ndeadline = 600\n'
    path = write(tmp_path, GOOD + text)
    if good:
        assert read_plan(path).training.budget == budget
        return
    with pytest.raises(PlanError, match=f"{budget} s is not below rounds.deadline, 600 s") as e:
        read_plan(path)
    assert e.value.hint.startswith("write budget = 300 under [training], or a longer deadline")


def test_a_budget_without_counted_steps_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as e:
        read_plan(write(tmp_path, GOOD + "[training]\nbudget = 60\n"))
    assert e.value.hint == 'write strategy = "fednova" under [rounds]'


def test_a_plan_without_budget_and_rules_of_absence_is_written_as_older_releases_read_it() -> None:
    written = write_record(Plan(name="t2", protocol="t2"))
    assert "budget" not in written["training"]
    assert not [k for k in written["rounds"] if k.startswith("missing")]


def test_a_plan_without_a_rule_is_written_as_older_releases_read_it(tmp_path: Path) -> None:
    assert "operating_point" not in write_record(read_plan(write(tmp_path, GOOD)))
