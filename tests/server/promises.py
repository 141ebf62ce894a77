"""An evaluation.toml and the card that it fits."""

from hepafed.common.contract.plan import Plan
from hepafed.common.records import write_record
from hepafed.server.formats import ModelCard, OperatingPoint

PLAN = Plan(name="t2", protocol="t2")
TOML = """
model = "{model}"
cohorts = ["external-1", "external-2"]
wait = "10m"
[[endpoints]]
primary = true
at_least = 0.85
"""


def card_of(name: str, digest: str) -> ModelCard:
    return ModelCard(
        id=name,
        sha256=digest,
        protocol="t2",
        operating_point=OperatingPoint(threshold=0.4123456, rule="", chosen_on=""),
        plan=write_record(PLAN),
        training_examples={},
    )


CARD = card_of("t2", "ab" * 32)


def promise(model: str = CARD.sha256, more: str = "") -> str:
    return more + TOML.format(model=model)
