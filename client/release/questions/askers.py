"""Who asked about which model, and for which study, as the ledger's questions say."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hepafed.client.release.ledger import Ledger, Texts
from hepafed.client.release.questions.asked import Question
from hepafed.common.contract.messages import CompareRequest, ValidateRequest, unpack
from hepafed.common.errors import DataError, PayloadError


@dataclass(frozen=True, kw_only=True)
class Asker:
    """A person who asked, and what for."""

    requester: str
    """Name in the access file; `coordinator`."""
    study: str
    """Study that the question was signed for; "" where the entry does not say it."""


def askers_of(home: Path, ledger: Ledger) -> Mapping[Question, tuple[Asker, ...]]:
    """Return who asked about each model, each once, in the order in which they first asked.

    Counted is each signed question, also one that was not answered. A question whose text is not
    kept any more tells nothing here; `client ledger --verify` names it.

    Raises
    ------
    DataError
        A line of the ledger is damaged.
    """
    texts, found = Texts(home), dict[Question, dict[Asker, None]]()
    for number, entry in enumerate(ledger.entries(), 1):
        if "stamp" not in entry or entry.get("kind") not in ("validate", "compare"):
            continue
        try:
            request = unpack(texts.read(number, entry).decode())
        except (DataError, PayloadError, UnicodeDecodeError):
            continue
        if not isinstance(request, (ValidateRequest, CompareRequest)):
            continue
        asker = Asker(requester=str(entry.get("requester", "")), study=str(entry.get("study", "")))
        for m in request.models if isinstance(request, CompareRequest) else (request,):
            question = Question.of(request.split, m.weights, m.plan)
            found.setdefault(question, {})[asker] = None
    return {question: tuple(askers) for question, askers in found.items()}
