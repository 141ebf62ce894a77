"""What of `[rounds]` does not go together is refused by the key to change, with what to write."""

from pathlib import Path

import pytest
from hepafed.common.contract.plan import Plan, plan_from
from hepafed.common.contract.plan_file import plan_problems, read_plan
from hepafed.common.contract.rounds import STRATEGIES, RoundsPlan
from hepafed.common.errors import PlanError
from hepafed.common.records import write_record

NEW = ("weights", "cap", "average", "mu", "faulty", "server_rate", "server_momentum")


def read(folder: Path, text: str) -> Plan:
    path = folder / "plan.toml"
    path.write_text('name = "t2"\nprotocol = "t2"\n' + text)
    return read_plan(path)


@pytest.mark.parametrize(
    "text",
    [
        'strategy = "fedprox"\nmu = 0',
        'strategy = "fedprox"\nmu = 0.5',
        'strategy = "fedavgm"\nserver_rate = 0.5\nserver_momentum = 0.8\nweights = "equal"',
        'strategy = "fedadam"\nserver_decay = 0.9\nserver_epsilon = 1e-4\nweights = "capped"',
        'strategy = "fedyogi"\nserver_rate = 0.1',
        'strategy = "fedbn"',
        'strategy = "silobn"\naverage = 10',
        'strategy = "scaffold"\nweights = "equal"\n[training]\noptimiser = "sgd"',
        'strategy = "median"\nweights = "equal"\nquorum = 3',
        'strategy = "trimmed-mean"\nweights = "equal"\nquorum = 5\nfaulty = 2',
        'strategy = "krum"\nweights = "equal"\nquorum = 5',
        'strategy = "fednova"\nweights = "capped"\ncap = 0.5',
        'weights = "capped"\ncap = 0.2',
        "average = 4\ncount = 4",
    ],
)
def test_what_goes_together_is_taken_and_survives_the_record(tmp_path: Path, text: str) -> None:
    plan = read(tmp_path, f"[rounds]\n{text}\n")
    assert plan_from(write_record(plan)) == plan


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("mu = 0.5", "rounds.mu: fedavg has no such setting; fedprox has", "leave mu out"),
        ('strategy = "fedavgm"\nmu = 0.0', "rounds.mu: fedavgm has no such", "leave mu out"),
        (
            "server_rate = 0.5",
            "rounds.server_rate: fedavg .* fedavgm, fedadam, fedyogi have",
            "out",
        ),
        (
            'strategy = "fedavgm"\nserver_decay = 0.5',
            "rounds.server_decay: fedavgm has no such setting; fedadam, fedyogi have",
            "leave server_decay out",
        ),
        ('strategy = "fedavgm"\nserver_epsilon = 0.5', "rounds.server_epsilon: fedavgm", "out"),
        ("server_momentum = 0.5", "rounds.server_momentum: fedavg", "out"),
        ('strategy = "median"\nfaulty = 2', "rounds.faulty: median", "leave faulty out"),
        ("cap = 0.3", "rounds.cap: weights are examples", 'weights = "capped"'),
        ('weights = "equal"\ncap = 0.3', "rounds.cap: weights are equal", 'weights = "capped"'),
        ('strategy = "median"\nquorum = 3', "rounds.weights: median counts", 'weights = "equal"'),
        ('strategy = "krum"\nquorum = 9', "rounds.weights: krum", 'weights = "equal"'),
        ('strategy = "trimmed-mean"\nquorum = 9', "rounds.weights: trimmed-mean", '"equal"'),
        ('strategy = "scaffold"\nweights = "capped"', "scaffold .* not by capped", '"equal"'),
        ('strategy = "fednova"\nweights = "equal"', "rounds.weights: fednova counts", '"capped"'),
        (
            'strategy = "median"\nweights = "equal"\nquorum = 2',
            "rounds.quorum: median needs 3 sites",
            "quorum = 3",
        ),
        (
            'strategy = "trimmed-mean"\nweights = "equal"\nquorum = 4\nfaulty = 2',
            "rounds.quorum: trimmed-mean with faulty = 2 needs 5 sites",
            "quorum = 5",
        ),
        (
            'strategy = "krum"\nweights = "equal"\nquorum = 4',
            "rounds.quorum: krum with faulty = 1 needs 5 sites",
            "quorum = 5",
        ),
        ("average = 5\ncount = 4", "rounds.average: 5 rounds are more than rounds.count, 4", "4"),
        ('strategy = "scaffold"\nweights = "equal"', "training.optimiser: scaffold", '"sgd"'),
        (
            'strategy = "scaffold"\nweights = "equal"\n'
            '[training]\noptimiser = "sgd"\nmomentum = 0.9',
            "training.momentum: scaffold",
            "momentum = 0.0",
        ),
        ('strategy = "fedbn"\n[model]\nfreeze_norm = true', "model.freeze_norm: fedbn", "false"),
        ('strategy = "silobn"\n[model]\nfreeze_norm = true', "model.freeze_norm: silobn", "false"),
        (
            'strategy = "scaffold"\nweights = "equal"\n[training]\noptimiser = "sgd"\nbudget = 60',
            "training.budget: .* scaffold would count",
            "fednova",
        ),
        *(
            (
                f'strategy = "scaffold"\nweights = "equal"\n{more}\n'
                f'[training]\noptimiser = "sgd"\n{own}',
                named,
                hint,
            )
            for more, own, named, hint in (
                ('encoding = "int8"', "", "rounds.encoding: scaffold computes", '"bf16"'),
                ("", "backbone_rate = 0.5", "training.backbone_rate: scaffold counts", "out"),
                ("", "freeze_rounds = 1", "training.freeze_rounds: scaffold counts", "out"),
                ("", 'precision = "fp16"', "training.precision: fp16 leaves out", '"auto"'),
            )
        ),
    ],
)
def test_what_does_not_go_together_is_named_with_what_to_write(
    tmp_path: Path, text: str, named: str, hint: str
) -> None:
    with pytest.raises(PlanError, match=named) as caught:
        read(tmp_path, f"[rounds]\n{text}\n")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('strategy = "fedprx"', "did you mean fedprox?"),
        ('strategy = "FedAdam"', "did you mean fedadam?"),
        ('strategy = "trimmed_mean"', "did you mean trimmed-mean?"),
        ('strategy = "scafold"', "did you mean scaffold?"),
        ('weights = "equals"', "did you mean equal?"),
        ("server_lr = 0.1", "unknown key rounds.server_lr"),
        ("mu_ = 0.1", "did you mean rounds.mu"),
        ("mu = -0.1", "rounds.mu"),
        ("mu = 101", "rounds.mu"),
        ("cap = 0.51", "rounds.cap"),
        ("cap = 0", "rounds.cap"),
        ("average = 0", "rounds.average"),
        ("faulty = 0", "rounds.faulty"),
        ("server_momentum = 1", "rounds.server_momentum"),
        ("server_decay = 1", "rounds.server_decay"),
        ("server_epsilon = 0", "rounds.server_epsilon"),
        ("server_rate = -1", "rounds.server_rate"),
    ],
)
def test_a_wrong_word_or_number_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(PlanError) as caught:
        read(tmp_path, f"[rounds]\n{text}\n")
    assert named in caught.value.message


def test_the_check_of_a_plan_names_what_does_not_go_together_beside_other_errors() -> None:
    values = {"name": "a", "protocol": "t2", "rounds": {"strategy": "krum", "cout": 3}}
    _, problems = plan_problems(values)
    assert [p.key for p in problems] == ["rounds.cout", "rounds.weights"]


def test_a_plan_of_the_usual_strategy_is_written_as_older_releases_read_it() -> None:
    written = write_record(RoundsPlan())
    assert not {*written} & {*NEW, "server_decay", "server_epsilon"}
    assert written["strategy"] == "fedavg"


def test_every_strategy_is_described_in_the_plan_s_own_words() -> None:
    from hepafed.common.field_docs import field_docs

    assert all(f"`{word}`" in field_docs(RoundsPlan)["strategy"] for word in STRATEGIES)
