"""What a model's signed card tells a reader: intended use, limits, and the card in Markdown."""

from typing import Any

INTENDED_USE = (
    "Research on the diagnosis of focal liver lesions on MRI: for a lesion that a radiologist has "
    "marked, three probabilities (benign, primary malignant, metastatic); for a patient, the "
    "largest probability of malignancy over their marked lesions.",
    "Users: investigators who compare it with a reference standard or with readers in a study.",
    "Input: the sequences of its protocol from one examination, resampled and normalised by the "
    "release of HepaFed that trained it.",
)
LIMITS = (
    "Not a medical device. Not for decisions about a patient.",
    "It does not find lesions: what nobody marked is not judged.",
    "Three classes: a lesion of another kind still gets three probabilities that add up to 1.",
    "Nothing is known of children, of lesions after treatment, of other organs, or of CT and "
    "ultrasound unless a validation says so.",
    "Its figures hold for hospitals, scanners and a mix of patients like those it was validated "
    "on; predictive values change with prevalence.",
    "Probabilities may be off at a new site even where the AUC holds: look at the calibration.",
)


def statement() -> dict[str, Any]:
    """Give what a card says of use and limits; signed with it when a model is frozen."""
    return {"intended_use": list(INTENDED_USE), "limits": list(LIMITS)}


def facts(card: dict[str, Any]) -> list[tuple[str, str]]:
    """List what the card states, as (name, value) for a table."""
    point, plan = card["operating_point"], card.get("plan", {})
    examples = card.get("training_examples", {})
    auc = card.get("tuning_auc")
    rows = [
        ("Model", card["id"]),
        ("SHA-256 of the weights", card["sha256"]),
        ("Architecture", f"Inception-ResNet V2, {card.get('parameters', 0):,} parameters"),
        ("Protocol", card["protocol"]),
        ("Input side", f"{plan.get('model', {}).get('size', '–')} pixels"),
        ("Starting weights", card.get("parent") or f"random, seed {plan.get('seed', '–')}"),
        (
            "Strategy",
            f"{card.get('strategy', '–')}; round {card.get('round', '–')} of {_rounds(plan)}",
        ),
        ("Training examples", ", ".join(f"{s}: {n}" for s, n in sorted(examples.items())) or "–"),
        ("Federated tuning AUC", "–" if auc is None else f"{auc:.3f} (macro, one vs rest)"),
        ("Operating point", f"{point['threshold']:.4f} on 1 − p(benign)"),
        ("Rule", f"{point['rule']}; {point['chosen_on']}"),
        ("Training run", card.get("run", "–")),
        ("Frozen", card.get("created", "–")),
    ]
    return [(name, str(value)) for name, value in rows]


def _rounds(plan: dict[str, Any]) -> object:
    return plan.get("rounds", {}).get("count", "–")


def card_markdown(card: dict[str, Any]) -> str:
    """Write the card as a Markdown page that goes with the weights."""
    lines = [
        f"# Model card: {card['id']}",
        "",
        "Signed by the coordinator as card.json; this page only puts it into words.",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {n} | {_cell(v)} |" for n, v in facts(card)), ""]
    for title, key in (("Intended use", "intended_use"), ("Limits", "limits")):
        lines += [f"## {title}", ""]
        lines += [f"- {_cell(line)}" for line in card.get(key, [])] or ["The card states none."]
        lines.append("")
    return "\n".join(lines)


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
