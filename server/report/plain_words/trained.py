"""First page and card: which data the model was trained on, as far as its card states it."""

from collections.abc import Mapping

from hepafed.common.contract import PROTOCOLS
from hepafed.server.formats import Report
from hepafed.server.report.facts import counted, is_federated, is_synthetic, listed, plan_of

SEQUENCE_WORDS = {
    "t2": "T2",
    "dwi": "DWI",
    "adc": "ADC",
    "t1-pre": "T1 before contrast",
    "arterial": "arterial phase",
    "portal": "portal phase",
    "delayed": "delayed phase",
}
"""The sequences of the protocols, in words."""


def input_sequences(report: Report) -> str:
    """Speak of a model of a known protocol; a site says which sequence an image is."""
    names = [SEQUENCE_WORDS[s] for s in PROTOCOLS.get(report.model.protocol, ())]
    if not names or not is_federated(report):
        return ""
    noun = "sequence" if len(names) == 1 else "sequences"
    it = "it" if len(names) == 1 else "them"
    return f"Input of the model: the MR {noun} {listed(names)}, as the sites named {it}."


def trained_on(report: Report) -> str:
    """Speak where the card states training images of a site."""
    given = _examples(report)
    if not given or rehearsed(report):
        return ""
    each = listed([f"{site} ({n:,})" for site, n in given.items()])
    made_up = " These data were made up." if is_synthetic(report) else ""
    return (
        f"The model was trained on {counted(sum(given.values()), 'image')} of "
        f"{counted(len(given), 'site')}: {each}. The sites stated these numbers.{made_up} "
        "The number of patients is not recorded."
    )


def not_trained(report: Report) -> str:
    """Speak of a rehearsal, whose plan lets no site train."""
    if not is_federated(report) or not rehearsed(report):
        return ""
    return "No site trained the model. The plan was a rehearsal (training.epochs = 0)."


def training_not_known(report: Report) -> str:
    """Speak of a run of a federation without a card, or with one that states no images."""
    if not is_federated(report) or rehearsed(report) or _examples(report):
        return ""
    return "It is not known which data the model was trained on."


def training_rows(report: Report) -> list[tuple[str, str]]:
    """Return the origin of the training as rows (name, value) of the card's table."""
    said = trained_on(report) or not_trained(report) or training_not_known(report)
    data = "The plan says that they are made up (synthetic = true)."
    if not is_synthetic(report):
        data = "The plan does not say that they are made up."
    return [("Trained on", said), ("Training data", data)]


def rehearsed(report: Report) -> bool:
    """Return whether the plan lets no site train."""
    training = plan_of(report).get("training")
    return isinstance(training, Mapping) and training.get("epochs") == 0


def _examples(report: Report) -> dict[str, int]:
    card = report.model.card
    stated = card.training_examples if card is not None else {}
    return {site: n for site, n in sorted(stated.items()) if n > 0}
