"""What a model's signed card tells a reader: intended use, limits, and the card in Markdown."""

from hepafed.common.contract import Plan, RoundsPlan, plan_from
from hepafed.server.formats import ModelCard, OperatingPoint, SiteShare
from hepafed.server.models import operating_point

INTENDED_USE = (
    "Research only. HepaFed is made for focal liver lesions on MRI. It does not check what images "
    "show: this model has learnt what its training sites put in.",
    "Output: for each case (a marked lesion, or an exported key image) three probabilities: "
    "benign, primary malignant, metastatic. For a patient: the largest probability of malignancy "
    "over the patient's cases.",
    "Users: investigators who compare it with a reference standard or with readers in a study.",
    "Input: the sequences of its protocol, prepared by the release of HepaFed that trained it.",
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
MADE_UP = "Its data were made up (the plan says synthetic = true): it knows nothing of patients."
REHEARSAL = (
    "None: a rehearsal (training.epochs = 0). The weights are those that the run started from."
)
"""Of models of 0.1.0; a rehearsal makes none any more."""
NOT_STATED = "–"


def limits_of(plan: Plan) -> tuple[str, ...]:
    """Return the limits of a model that was trained by a plan."""
    return (*((MADE_UP,) if plan.synthetic else ()), *LIMITS)


def facts(card: ModelCard) -> list[tuple[str, str]]:
    """Return what the card states, as (name, value) for a table."""
    plan, point, auc = plan_from(card.plan), card.operating_point, card.tuning_auc
    examples = _examples(card)
    rounds = f"round {_or_dash(card.round)} of {plan.rounds.count}"
    return [
        ("Model", card.id),
        ("SHA-256 of the weights", card.sha256),
        ("Architecture", f"Inception-ResNet V2, {card.parameters:,} parameters"),
        ("Protocol", card.protocol),
        *([("Data", "made up (synthetic = true)")] if plan.synthetic else []),
        *([("Training", REHEARSAL)] if plan.training.epochs == 0 else []),
        ("Input side", f"{plan.model.size} pixels"),
        ("Starting weights", card.parent or f"random, seed {plan.seed}"),
        ("Strategy", f"{card.strategy or NOT_STATED}; {rounds}"),
        *([("Weights of the sites", _weighing(plan.rounds))] if card.contributions else []),
        ("Training examples", examples or NOT_STATED),
        ("Federated tuning AUC", NOT_STATED if auc is None else f"{auc:.3f}{_tuned_on(card)}"),
        ("Operating point", f"{point.threshold:.4f} on 1 − p(benign)"),
        ("Rule", point.rule),
        ("Chosen on", operating_point.chosen_on(point)),
        *_known_of(point),
        ("Training run", card.run or NOT_STATED),
        *_releases(card),
        ("Frozen", card.created or NOT_STATED),
    ]


def _weighing(rounds: RoundsPlan) -> str:
    """Return how the sites weighed in the mean of a round, and whether rounds were averaged."""
    said = {
        "examples": f"by examples, no site above {_percent(rounds.max_share)}",
        "equal": "equal",
        "capped": f"by examples, no site above {_percent(rounds.cap)}",
    }[rounds.weights]
    if rounds.weights == "examples" and rounds.max_share == 1:
        said = "by examples"
    if rounds.strategy == "krum":
        said = "one site a round, whose update was nearest to the others"
    last = f"; the last weights are the mean of {rounds.average} rounds"
    return said + (last if rounds.average > 1 else "")


def _examples(card: ModelCard) -> str:
    """Return what each site gave: over all rounds, or of a card of 0.1.0 in the last one."""
    if not card.contributions:
        return ", ".join(f"{s}: {n}" for s, n in sorted(card.training_examples.items()))
    return "; ".join(_share(s, card.round or 0) for s in card.contributions)


def _releases(card: ModelCard) -> list[tuple[str, str]]:
    """Return the releases of the coordinator and of each site; nothing of a card of 0.1.0."""
    said = [f"coordinator: {card.coordinator_release}"] if card.coordinator_release else []
    said += [f"{s.site}: {', '.join(s.releases)}" for s in card.contributions if s.releases]
    words = "; ".join(said) or ", ".join(card.releases)
    return [("Releases of HepaFed", words)] if words else []


def _share(share: SiteShare, rounds: int) -> str:
    gave = f"{share.site}: {share.examples:,} over its rounds, present {share.rounds} of {rounds}"
    if share.rounds:
        gave += f" (first {share.first}, last {share.last})"
        if share.share is not None:
            gave += f", {_percent(share.share)} of all examples in the weights"
    if share.steps is not None and share.planned_steps:
        gave += f", {_percent(share.steps / share.planned_steps)} of its planned training steps"
    return f"{gave}, missed {share.missed}: {share.reason}" if share.missed else gave


def _percent(share: float) -> str:
    """Return a share as a percentage that says 0 % only of nothing, and 100 % only of all."""
    percent = 100 * share
    if 0 < percent < 0.5:
        return "less than 1 %"
    if 99.5 <= percent < 100:
        return "more than 99 %"
    return f"{percent:.0f} %"


def _tuned_on(card: ModelCard) -> str:
    """Return the interval, the lesions and the sites of the tuning AUC."""
    cases = card.tuning_cases
    if cases is None:
        return " (macro, one vs rest)"
    return (
        f" (95 % interval {cases.low:.3f} to {cases.high:.3f}; macro, one vs rest; "
        f"{cases.lesions:,} lesions of {', '.join(cases.sites)})"
    )


def _known_of(point: OperatingPoint) -> list[tuple[str, str]]:
    """Return how well the operating point is known; nothing of a card of 0.1.0."""
    if point.positives is None:
        return []
    ends = operating_point.interval(point) or operating_point.NO_INTERVAL
    found = [("95 % interval of the operating point", ends)]
    if point.cuts is not None:
        found.append(("Places where the released counts part the scores", f"{point.cuts:,}"))
    weak = operating_point.warning(point)
    return [*found, ("What is weak in it", weak)] if weak else found


def _or_dash(value: object) -> object:
    return NOT_STATED if value is None else value


def card_markdown(card: ModelCard) -> str:
    """Return the card as a Markdown page that goes with the weights."""
    lines = [
        f"# Model card: {card.id}",
        "",
        "The coordinator signed card.json; this page shows its content.",
        "",
    ]
    lines += ["| | |", "|---|---|", *(f"| {n} | {_cell(v)} |" for n, v in facts(card)), ""]
    for title, stated in (("Intended use", card.intended_use), ("Limits", card.limits)):
        lines += [f"## {title}", ""]
        lines += [f"- {_cell(line)}" for line in stated] or ["The card states none."]
        lines.append("")
    return "\n".join(lines)


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
