"""The columns of subgroups: few, short and plain levels, each in one spelling."""

from collections.abc import Sequence

from hepafed.common.contract import MOST_LEVELS, PREFIX, plain_level
from hepafed.common.statistics.score_files.findings import Findings
from hepafed.common.statistics.score_files.label_map import word
from hepafed.common.statistics.score_files.values import absent, number

OF_A_PERSON = frozenset(
    (
        *("sex", "gender", "age", "age_group", "age_band", "age5", "age10"),
        *("ethnicity", "race", "country", "bmi", "cirrhosis"),
    )
)
"""Variables of which a patient has one value; those of others may differ between lesions."""
_SIGNS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_SIGNS |= {ord("≤"): "<=", ord("≥"): ">="}


def groups(
    variable: str,
    column: Sequence[tuple[int, str]],
    patients: Sequence[tuple[str, str]],
    findings: Findings,
) -> list[str]:
    """Return the level of each (row, text), "" where none is stated; `patients` are (site, id)."""
    name = PREFIX + variable
    levels = []
    for row, text in column:
        if absent(text):
            levels.append("")
            if text:
                findings.note(f"{name} is {{}}; it was read as not stated", row, text)
            continue
        level = text.translate(_SIGNS)
        levels.append(level)
        if not plain_level(level):  # it may be a birthday or a name: the message does not show it
            findings.wrong(_told(name, variable, level), row)
        elif level != text:
            findings.note(f"{name} is {{}}; its signs were read as -, <= or >=", row, text)
    if len(set(levels) - {""}) > MOST_LEVELS + 1:
        findings.wrong(f"the column {name} has more than {MOST_LEVELS} different values")
    read = [
        (row, level if plain_level(level) else "")
        for (row, _), level in zip(column, levels, strict=True)
    ]
    _one_spelling(name, read, findings)
    _one_value(variable, read, patients, findings)
    return levels


def _told(name: str, variable: str, text: str) -> str:
    value = number(text)
    if value is not None:
        kind = "an exact age" if "age" in variable.split("_") else "an exact number"
        return f"{name} is {kind}: write a band such as 60-69"
    if text[:4].isdigit() and text[4:5] == "-":
        return f"{name} is a date: write a word or a band such as 60-69"
    return f"{name} is not a short word of letters A to Z or a band such as 60-69"


def _one_spelling(name: str, column: Sequence[tuple[int, str]], findings: Findings) -> None:
    first: dict[str, tuple[str, int]] = {}
    for row, text in column:
        if absent(text):
            continue
        other, at = first.setdefault(word(text), (text, row))
        if other != text:
            told = f"{name} is {{}}, and written otherwise in {{other}}; write it in one way"
            findings.wrong(told, row, text, at)


def _one_value(
    variable: str,
    column: Sequence[tuple[int, str]],
    patients: Sequence[tuple[str, str]],
    findings: Findings,
) -> None:
    """Refuse two values of what a person has one of; note it of other variables."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for (row, text), patient in zip(column, patients, strict=True):
        if absent(text):
            continue
        other, at = first.setdefault(patient, (text, row))
        if other == text:
            continue
        name = PREFIX + variable
        if variable in OF_A_PERSON:
            told = (
                f"{name} is {{}}, and otherwise in {{other}} of the same patient; "
                "write one value a patient"
            )
            findings.wrong(told, row, text, at)
        else:
            findings.note(f"{name} differs between the lesions of a patient", row)
