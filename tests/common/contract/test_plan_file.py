"""A plan's file: all of its errors at once, each with the word that was meant."""

from pathlib import Path

import pytest
from hepafed.common.contract import (
    ModelPlan,
    Plan,
    from_its_folder,
    plan_from,
    plan_problems,
    read_plan,
    read_values,
)
from hepafed.common.errors import PlanError
from hepafed.common.records import write_record
from hypothesis import given
from hypothesis import strategies as st

GOOD = 'name = "t2"\nprotocol = "t2"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text)
    return path


def test_every_error_of_a_plan_is_named_at_once(tmp_path: Path) -> None:
    text = (
        'name = "liver MRI"\nprotocol = "T2+DWI"\nseed = "x"\nepochs = 3\n'
        "[training]\nepoch = 2\nrate = nan\nbatch = 1.5\n[rounds]\nquorum = 0\n"
    )
    with pytest.raises(PlanError) as caught:
        read_plan(write(tmp_path, text))
    lines = caught.value.message.splitlines()
    assert [line.split(":")[0].split(" must")[0] for line in lines] == [
        "name",
        "protocol",
        "seed",
        "unknown key epochs; did you mean training.epochs, in the table [training]?",
        "unknown key training.epoch; did you mean training.epochs?",
        "training.rate",
        "training.batch",
        "rounds.quorum",
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("rate = 1", "did you mean training.rate, in the table [training]?"),
        ("[training]\nepoch = 1", "did you mean training.epochs?"),
        ("[training]\nquorum = 1", "did you mean rounds.quorum, in the table [rounds]?"),
        ("[training]\nprotocol = 't2'", "did you mean protocol, above the first [table]?"),
        ("[training]\nLearning-Rate = 1", "known: augment, backbone_rate, balance, batch"),
        ("[training]\nBatch = 1", "did you mean training.batch?"),
        ("[round]\ncount = 1", "did you mean rounds?"),
        ("studie = 'a'", "did you mean study?"),
        ("sites = ['a']", "a plan names no sites: every enrolled training site is asked"),
        ("[rounds]\nsites = ['a']", "a plan names no sites"),
        ("colour = 'red'", "known: augmentation, data, model, name, operating_point, protocol"),
        (f"{'x' * 900} = 1", f"unknown key {'x' * 60}; known"),
    ],
)
def test_a_key_that_is_none_is_shown_with_the_nearest_one(
    tmp_path: Path, text: str, meant: str
) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(write(tmp_path, f"{GOOD}{text}\n"))
    assert meant in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("T2+DWI", "t2-dwi"),
        ("t2 dwi", "t2-dwi"),
        ("t2_dwi", "t2-dwi"),
        ("T2", "t2"),
        ("multisequence", "multi-sequence"),
        ("enhance", "enhanced"),
        ("ct", ""),
        ("x" * 10**5, ""),
    ],
)
def test_a_protocol_that_is_none_is_shown_with_the_nearest_one(written: str, meant: str) -> None:
    with pytest.raises(PlanError, match="is not one of t2, t2-dwi, multi-seq") as caught:
        Plan(name="a", protocol=written)
    assert ("did you mean" in caught.value.message) == bool(meant)
    assert caught.value.message.endswith(f"; did you mean {meant}?" if meant else "enhanced")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("key", ["name", "study"])
def test_a_name_that_is_none_is_shown_with_one_that_would_do(key: str) -> None:
    with pytest.raises(PlanError, match=rf"^{key}: .* digits or '-', such as Liver-MRI-2026$"):
        plan_from({"name": "a", "protocol": "t2", key: " Liver/MRI (2026)"})
    with pytest.raises(PlanError, match=r"digits or '-'$"):
        plan_from({"name": "a", "protocol": "t2", key: "肝"})


def test_a_plan_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_plan(path) == Plan(name="t2", protocol="t2")


def test_values_that_are_wrong_are_left_at_their_defaults_and_the_others_kept() -> None:
    plan, problems = plan_problems(
        {"name": "a b", "protocol": "enhanced", "rounds": {"quorum": 4, "count": -1}, "model": 3}
    )
    assert (plan.protocol, plan.rounds.quorum, plan.rounds.count) == ("enhanced", 4, 10)
    assert [p.key for p in problems] == ["name", "rounds.count", "model"]


def test_values_that_are_wrong_together_leave_the_others_kept_and_have_their_hint() -> None:
    plan, (problem,) = plan_problems(
        {"name": "a", "protocol": "enhanced", "training": {"budget": 60, "batch": 8}}
    )
    assert (plan.protocol, plan.training.batch, plan.training.budget) == ("enhanced", 8, 0)
    assert (problem.key, problem.hint) == (
        "training.budget",
        'write strategy = "fednova" under [rounds]',
    )


def test_a_plan_that_states_nothing_lacks_what_it_must_state() -> None:
    assert [p.text for p in plan_problems({})[1]] == ["missing key name", "missing key protocol"]


@pytest.mark.parametrize(
    ("stated", "full"),
    [
        ("net.safetensors", "{folder}/net.safetensors"),
        ("../net.safetensors", "{folder}/../net.safetensors"),
        ("/data/net.safetensors", "/data/net.safetensors"),
        ("~/net.safetensors", "{home}/net.safetensors"),
        ("", ""),
    ],
)
def test_a_file_of_weights_is_looked_for_from_the_plan_s_folder(
    tmp_path: Path, stated: str, full: str
) -> None:
    plan = Plan(name="a", protocol="t2", model=ModelPlan(weights=stated))
    made = from_its_folder(plan, tmp_path / "plans" / "plan.toml")
    expected = full.format(folder=tmp_path / "plans", home=Path.home())
    assert made.model.weights == expected
    assert made.name == "a"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TABLES = st.dictionaries(st.sampled_from(["epochs", "rate", "count", "size", "x"]), SCALARS)
KEYS = st.sampled_from(["name", "protocol", "seed", "training", "rounds", "model", "data", "y"])


@given(st.dictionaries(KEYS, SCALARS | TABLES | st.lists(SCALARS, max_size=2)))
def test_a_plan_has_a_problem_exactly_where_strict_reading_refuses_it(
    values: dict[str, object],
) -> None:
    plan, problems = plan_problems(values)
    try:
        strict = plan_from(values)
    except PlanError:
        assert problems
    else:
        assert problems == []
        assert write_record(plan) == write_record(strict)


def test_a_file_that_is_no_plan_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"plan\.toml is not TOML"):
        read_values(write(tmp_path, "name = \n"))
    with pytest.raises(PlanError, match="cannot read the plan"):
        read_values(tmp_path)
