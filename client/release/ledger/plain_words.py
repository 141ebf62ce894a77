"""Each kind of entry in plain words, for a reader who knows no machine learning."""

from collections.abc import Mapping
from typing import Any

from hepafed.client.release.ledger.changes import change_words, changes_in
from hepafed.common.printable import printable

WORDS: Mapping[str, str] = {
    "train": "Question: train one round with the plan",
    "trained": "Answer: figures of one training round",
    "tune": "Question: test a model on the tuning patients",
    "tuned": "Answer: figures of a model on the tuning patients",
    "validate": "Question: validate a model",
    "validated": "Answer: figures of a validation",
    "cohort": "Question: describe the cohort",
    "described": "Answer: numbers of patients in the cohort",
    "compare": "Question: compare models",
    "compared": "Answer: figures of a comparison of models",
    "placements": "Question: sums for the intervals of a validation",
    "placed": "Answer: sums for the intervals of a validation",
    "keys": "Question: make a key for a masked sum",
    "keyed": "Answer: a public key for a masked sum",
    "sums": "Question: send masked counts",
    "masked": "Answer: the fingerprint of the masked counts",
    "open": "Question: open the masked sum of all sites",
    "opened": "Answer: the seed that opens the masked sum of all sites",
    "refused": "Answer: this site refused, with the reason",
    "waits": "Answer: nobody at this site has allowed this; nothing was done",
    "waited": "Answer, the same as before to the same question: nobody here has allowed this",
    "permissions": "What a person here allowed, or the count of its use, changed; its hash",
    "weights": "Model weights that came in",
    "update": "Update: the change that training made to the model",
    "masked-counts": "Masked score counts: random numbers until all sites are added up",
    "masked-clusters": "Masked sums for intervals: random numbers until all sites are added up",
    "masked-noisy-counts": (
        "Masked counts with noise: random numbers until all sites are added up, and then the noise"
    ),
    "masked-pairs": "Masked counts of a comparison: random numbers until all sites are added up",
    "masked-pair-clusters": (
        "Masked sums of a comparison: random numbers until all sites are added up"
    ),
    "masked-tuning": (
        "Masked counts of the tuning patients: random numbers until all sites are added up"
    ),
    "plain-counts": "Score counts in plain: nearly the patients' scores",
    "plain-pairs": "Counts of a comparison in plain",
    "unreadable": "A message that could not be read; it was refused",
    "enrolled": "This site joined the federation",
    "left": "This site left the federation",
    "key": "A key of this site began to sign the ledger",
    "questions": "The memory of answered questions was changed; its hash",
    "privacy": "What answers with noise told of the cohort was written down; its hash",
    "gap": "A person acknowledged that entries are missing",
}
"""The words for each kind."""


def said_of(entry: Mapping[str, Any]) -> str:
    """Return an entry in plain words: of permissions each change, of a wait how often."""
    words = words_of(str(entry["kind"]))
    if changes := changes_in(entry):
        return ". ".join(change_words(c) for c in changes)
    if "times" in entry:
        first, last = (str(entry.get(k, ""))[:19].replace("T", " ") for k in ("first", "last"))
        words = f"{words}. {entry['times']} times, first at {first}, last at {last} (UTC)"
    reasons = "; ".join(str(g.get("reason", "")) for g in entry.get("gaps", ()))
    return printable(f"{words}: {reasons}" if reasons else words)


def words_of(kind: str) -> str:
    """Return the words for a kind of entry; the kind itself where there are none."""
    return WORDS.get(kind, kind)
