"""Judges each new question against all earlier ones of the cohort, and remembers it on disk.

The file questions.json is read and written whole. The ledger holds its hash after every change, so
that a file that was cut, changed, deleted or restored from an older copy is found.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from hepafed.client.release.ledger import Ledger, WitnessedFile
from hepafed.client.release.questions.asked import (
    Answered,
    PastQuestions,
    Question,
    RefusedModel,
    answer_of,
    names_of,
    patient_numbers,
)
from hepafed.client.release.questions.lesion_sets import answerable
from hepafed.client.release.questions.nearness import limit_of, look_at, too_near
from hepafed.common.contract import TUNING_SPLIT, Plan
from hepafed.common.errors import ConfigError, RefusedError
from hepafed.common.json_file import JsonFile
from hepafed.common.statistics import ScoreTable, rows_of

KIND = "questions"
"""The kind of a ledger entry that holds the hash of questions.json; nothing leaves with it."""
YEAR = timedelta(days=365)
MOST_WAITING = 3
"""Models of a cohort, refused or setting a few patients apart, after which a person must look
before another is answered."""
REVIEW = "look at client questions; then client questions --reviewed"
LOST = (
    "restore the newest copy; without one move the file away: client questions --reviewed then "
    "goes on without what it held (docs/security.md)"
)


class QuestionHistory:
    """The file questions.json of a site."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        path = home / "questions.json"
        self._file = JsonFile(path=path, record=PastQuestions, hint=LOST)
        self._witness = WitnessedFile(path, KIND, ledger)

    def past(self) -> PastQuestions:
        """Return what was asked.

        Raises
        ------
        ConfigError
            The file is damaged, or is not the one that the ledger knows.
        """
        past = self._file.read(missing=PastQuestions())
        if not self._witness.is_last(past.before):
            raise ConfigError(
                "questions.json is not the file that this site wrote last: it was changed, "
                "deleted or restored from an older copy",
                LOST,
            )
        return past

    def narrowed(self, table: ScoreTable, split: str, minimum: int) -> ScoreTable:
        """Return the rows of a table over which the cohort may be answered: see `answerable`.

        Raises
        ------
        RefusedError
            None is left.
        ConfigError
            What was answered before cannot be known: as `past` says.
        """
        past, names = self.past(), names_of(table)
        earlier = [a.lesions for a in past.answered if a.question.split == split]
        if split == TUNING_SPLIT:
            earlier += past.tuned
        kept = _answerable(past, names, [*earlier, *past.described], minimum)
        if len(kept) == len(names):
            return table
        return rows_of(table, np.array([n in kept for n in names], bool))

    def describing(self, names: Sequence[str], minimum: int) -> frozenset[str]:
        """Write down that the whole cohort is about to be described; return over which lesions.

        Raises
        ------
        RefusedError
            None is left.
        ConfigError
            What was answered before cannot be known: as `past` says.
        """
        with self._witness.locked():
            past = self.past()
            earlier = [*(a.lesions for a in past.answered), *past.tuned, *past.described]
            kept = _answerable(past, names, earlier, minimum)
            if (lesions := tuple(sorted(kept))) not in past.described:
                past = replace(past, described=(*past.described, lesions))
                self._write(replace(past, secret=past.secret or secrets.token_hex(32)))
            return kept

    def must_have_room(
        self, split: str, weights: str, plan: Plan, *, most: int, now: datetime
    ) -> None:
        """Check that one more model may be asked about within the year, before it is scored.

        Raises
        ------
        RefusedError
            The models of this year are used up.
        ConfigError
            As `past` says.
        """
        _check_year(self.past(), Question.of(split, weights, plan), most, now)

    def hold(
        self,
        tables: Mapping[Question, ScoreTable],
        *,
        minimum: int,
        most: int,
        now: datetime,
    ) -> None:
        """Write down that the scores of some questions are about to leave.

        At most `most` models of a cohort are answered in a year. `minimum`: the fewest patients of
        whom an answer must tell; 0 where all scores leave anyhow and only models are counted.

        Raises
        ------
        RefusedError
            An answer would tell of a few patients, alone or with an earlier one; the models of
            this year are used up; or refusals wait for a person. What was refused counts as well.
        ConfigError
            What was answered before cannot be known: as `past` says.
        """
        with self._witness.locked():
            past = self.past()
            if not past.secret:
                past = replace(past, secret=secrets.token_hex(32))
            before = past
            at = now.isoformat(timespec="seconds")
            for question, table in tables.items():
                answer = answer_of(table, question, at)
                _check_year(past, question, most, now)
                _check_reviewed(past, question)
                least = _limit(past, answer, minimum)
                same, apart = look_at(table, least) if minimum else (False, False)
                if same or (minimum and _near_another(past, answer, least)):
                    self._write(_with_refusal(before, answer))  # of several none is answered
                    raise RefusedError(
                        "the answer could tell of a few patients, alone or together with an "
                        "earlier answer about this cohort",
                        "the models of a study must differ in more than a few patients: ask "
                        "the coordinator what this model is for (client questions)",
                    )
                past = _with(past, replace(answer, apart=apart))
            self._write(past)

    def hold_tuning(self, table: ScoreTable) -> None:
        """Write down that the lesions of a table are about to be answered for in a training.

        Raises
        ------
        ConfigError
            What was answered before cannot be known: as `past` says.
        """
        with self._witness.locked():
            past, lesions = self.past(), tuple(sorted(names_of(table)))
            if lesions not in past.tuned:
                past = replace(past, tuned=(*past.tuned, lesions))
                self._write(replace(past, secret=past.secret or secrets.token_hex(32)))

    def review(self) -> None:
        """Note that a person has looked at what waits, and takes the file as it is.

        Raises
        ------
        ConfigError
            The file is damaged.
        """
        with self._witness.locked():
            past = self._file.read(missing=PastQuestions())
            refused = tuple(replace(r, reviewed=True) for r in past.refused)
            answered = tuple(replace(a, reviewed=a.apart) for a in past.answered)
            self._write(replace(past, refused=refused, answered=answered), anew=True)

    def _write(self, past: PastQuestions, *, anew: bool = False) -> None:
        """Replace the file, then let the ledger know its hash; a crash between is no harm."""
        known = self._witness.head()
        held = self._file.read(missing=PastQuestions())
        same = replace(past, before="") == replace(held, before="")
        if same and self._witness.digest() == known and not anew:
            return
        self._file.write(replace(past, before=known))
        self._witness.record()


def asked_within_a_year(past: PastQuestions, split: str, now: datetime) -> set[Question]:
    """Return the models that were asked of a cohort within a year, each in one question."""
    since = (now - YEAR).isoformat(timespec="seconds")
    asked: Sequence[Answered | RefusedModel] = (*past.answered, *past.refused)
    return {a.question for a in asked if a.question.split == split and a.at >= since}


def waiting_models(past: PastQuestions, split: str) -> int:
    """Return how many models of a cohort were refused, or set a few patients apart, unseen."""
    refused = {r.question for r in past.refused if not r.reviewed}
    apart = {a.question for a in past.answered if a.apart and not a.reviewed}
    return sum(q.split == split for q in refused | apart)


def _answerable(
    past: PastQuestions, names: Sequence[str], earlier: Sequence[tuple[str, ...]], minimum: int
) -> frozenset[str]:
    kept = answerable(names, earlier, minimum, bytes.fromhex(past.secret))
    if names and not kept:
        raise RefusedError(
            "its lesions differ from those of earlier answers about this cohort in a few "
            "patients only: the difference would reveal those patients",
            f"wait until {minimum} further patients are in the cohort",
        )
    return kept


def _check_year(past: PastQuestions, question: Question, most: int, now: datetime) -> None:
    used = asked_within_a_year(past, question.split, now)
    if question not in used and len(used) >= most:
        raise RefusedError(
            f"this cohort was asked about {len(used)} models within a year, as many as this "
            "site's policy allows (models_a_year)",
            "client questions shows them; raise models_a_year in site.toml if the study needs more",
        )


def _check_reviewed(past: PastQuestions, question: Question) -> None:
    waiting = waiting_models(past, question.split)
    known = any(a.question == question for a in past.answered)
    if waiting >= MOST_WAITING and not known:
        raise RefusedError(
            f"{waiting} models about this cohort wait for a person at the site to look at them",
            REVIEW,
        )


def _limit(past: PastQuestions, answer: Answered, minimum: int) -> int:
    patients = len(set(patient_numbers(answer.lesions).tolist()))
    return limit_of(bytes.fromhex(past.secret), answer.question, minimum, patients)


def _near_another(past: PastQuestions, answer: Answered, least: int) -> bool:
    """Tell whether an answer is nearly that of an earlier model but for fewer than `least`."""
    asked = answer.question
    return any(
        too_near(a, answer, least)
        for a in past.answered
        if a.question.split == asked.split and a.question != asked
    )


def _with(past: PastQuestions, answer: Answered) -> PastQuestions:
    """Return the history with one more answer, unless it holds these lesions' already."""
    held = {(a.question, a.lesions) for a in past.answered}
    if (answer.question, answer.lesions) in held:
        return past
    return replace(past, answered=(*past.answered, answer))


def _with_refusal(past: PastQuestions, answer: Answered) -> PastQuestions:
    if any(r.question == answer.question for r in past.refused):
        return past
    refused = RefusedModel(question=answer.question, at=answer.at)
    return replace(past, refused=(*past.refused, refused))
