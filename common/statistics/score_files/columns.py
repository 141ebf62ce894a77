"""Which column of a table is what: by its name, in any spelling that leaves no doubt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepafed.common.contract import CLASS_KEYS, NAME, PREFIX
from hepafed.common.statistics.score_files.findings import Findings, plain
from hepafed.common.statistics.score_files.label_map import word

READER = "reader_"
PROBABILITIES = tuple(f"p_{k}" for k in CLASS_KEYS)
ALIASES: Mapping[str, tuple[str, ...]] = {
    "site": ("hospital", "centre", "center", "institution"),
    "patient_id": ("patient", "patientid", "subject", "subject_id", "subjectid"),
    "lesion_id": ("lesion", "lesionid"),
    "truth": ("label", "y_true", "ground_truth", "reference", "response", "outcome"),
    "score": ("y_score", "p_malignant", "predictor", "probability", "prob_malignant"),
    **dict.fromkeys(PROBABILITIES, ()),
}
"""Names under which a column is known, beside its own."""
THREE = ("site", "patient_id", "lesion_id", "truth", *PROBABILITIES)
TWO = ("patient_id", "truth", "score")
_READER = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True)
class Columns:
    """Where a table's columns stand, by their role."""

    places: Mapping[str, int]
    """Role, a key of `ALIASES` → place in a row."""
    readers: Mapping[str, int]
    """Name with `reader_` → place."""
    groups: Mapping[str, int]
    """Name of a variable, without `group_` → place."""
    two_classes: bool
    """Whether `score` stands in the place of three probabilities."""


def columns_of(header: Sequence[str], findings: Findings) -> Columns:
    """Return the columns of a header; what cannot be used is told to `findings`."""
    _twice(header, findings)
    places: dict[str, int] = {}
    readers: dict[str, int] = {}
    groups: dict[str, int] = {}
    unused = []
    for i, title in enumerate(header):
        name = re.sub(r"\W+", "_", title).casefold()
        if title and (role := _role(name, header)):
            _place(places, role, i, title, findings)
        elif name.startswith(READER):
            _reader(readers, i, title, findings)
        elif name.startswith(PREFIX):
            _group(groups, i, title, name, findings)
        elif title:
            unused.append(title)
    unused += [header[i] for i in _beside(places)]
    two_classes = "score" in places and not any(p in places for p in PROBABILITIES)
    if unused:
        findings.note(
            f"Columns that are not used: {', '.join(map(plain, unused))} (names that are read: "
            f"{', '.join(THREE)}, score, {READER}NAME, {PREFIX}NAME)"
        )
    _missing(places, header, findings)
    return Columns(places=places, readers=readers, groups=groups, two_classes=two_classes)


def _role(name: str, header: Sequence[str]) -> str:
    """Return the role of a name; an alias has none where the header has the role's own name."""
    own = {re.sub(r"\W+", "_", h).casefold() for h in header}
    for role, others in ALIASES.items():
        if name == role or (name in others and role not in own):
            return role
    return ""


def _place(places: dict[str, int], role: str, i: int, title: str, findings: Findings) -> None:
    if role in places:
        findings.wrong(f"several columns can be {role}: keep one, and name it {role}")
        return
    places[role] = i
    if title != role:
        _renamed(title, role, findings)


def _beside(places: Mapping[str, int]) -> list[int]:
    """Return the place of a score that stands beside probabilities, which are then used."""
    return (
        [places["score"]] if "score" in places and any(p in places for p in PROBABILITIES) else []
    )


def _reader(readers: dict[str, int], i: int, title: str, findings: Findings) -> None:
    name = re.sub(r"\W", "_", title[len(READER) :])
    if not _READER.fullmatch(name) or not name.strip("_"):
        findings.wrong(f"a column {READER}… has a name that is not 1 to 40 letters or digits")
    elif any(word(f"{READER}{name}") == word(r) for r in readers):
        findings.wrong(f"two columns are of the reader {plain(name)}: keep one")
    else:
        readers[READER + name] = i
        if title != READER + name:
            _renamed(title, READER + name, findings)


def _group(groups: dict[str, int], i: int, title: str, name: str, findings: Findings) -> None:
    variable = name.removeprefix(PREFIX)
    if not NAME.fullmatch(variable):
        findings.wrong(f"a column {PREFIX}… has a name that is not a plain word")
    elif variable in groups:
        findings.wrong(f"two columns are {PREFIX}{variable}: keep one")
    else:
        groups[variable] = i
        if title != PREFIX + variable:
            _renamed(title, PREFIX + variable, findings)


def _renamed(title: str, name: str, findings: Findings) -> None:
    """Note that a column has another name; not where only capitals or spaces differ."""
    if re.sub(r"\W+", "_", title).casefold() != name.casefold() or name.startswith(READER):
        findings.note(f"The column {plain(title)} was read as {name}")


def _twice(header: Sequence[str], findings: Findings) -> None:
    for title in dict.fromkeys(header):
        if title and header.count(title) > 1:
            findings.wrong(f"the column {plain(title)} occurs twice: keep one")


def _missing(places: Mapping[str, int], header: Sequence[str], findings: Findings) -> None:
    """Say which columns a table lacks for the form that it seems to have."""
    three = [p for p in PROBABILITIES if p not in places]
    missing = [c for c in ("patient_id", "truth") if c not in places]
    if len(three) == len(PROBABILITIES) and "score" not in places:
        missing.append(f"score (or {', '.join(PROBABILITIES)})")
    elif len(three) < len(PROBABILITIES):
        missing += three
    if not missing:
        return
    found = ", ".join(plain(h) for h in header if h)
    told = f" (columns found: {found})" if places else ": its first line has no known name"
    findings.wrong(
        f"it lacks the column {', '.join(missing)}{told}; write {', '.join(THREE)} for three "
        f"classes, or {', '.join(TWO)} for benign and malignant; "
        "the evaluator's guide lists the other names that are read"
    )
