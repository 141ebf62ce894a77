"""An evaluation.toml and the card that it fits."""

CARD = {"sha256": "ab" * 32, "operating_point": {"threshold": 0.4123456}}
TOML = """
model = "{model}"
cohorts = ["external-1", "external-2"]
wait = "10m"
[[endpoints]]
primary = true
at_least = 0.85
"""


def promise(model: str = CARD["sha256"], more: str = "") -> str:
    return more + TOML.format(model=model)
