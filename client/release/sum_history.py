"""What a site remembers of masked sums, so that no two answers can be subtracted (exchanges.json).

The rules (docs/decisions/0013): an attempt's name serves once; attempts of a run only count up;
each sum of a run (of a training: of each
weights) is opened in one attempt at most; a cohort's sums are always over the same sites;
and one set of scores is released in one form, counted at one operating point and placed in one set
of curves only. What a rule
forbids is refused before anything leaves, and what is allowed is on disk before it leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hepafed.common.contract.messages import Terms
from hepafed.common.disclosure import NOISY, TUNING
from hepafed.common.errors import RefusedError
from hepafed.common.kept_files import KeptJsonFile

RESET = "client peers --new-group resets this; read first what it allows (docs/security.md)"


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A masked vector that left and may still be opened."""

    terms: Terms
    seed: str
    """The seed of the site's own mask, hex."""
    bands: tuple[int | None, ...] = ()
    """The bands of the site's AUCs that leave with the seed."""


@dataclass(frozen=True, kw_only=True)
class PastSums:
    """The masked sums that a site took part in, and the forms in which it released scores."""

    used: tuple[str, ...] = ()
    """The names of every attempt that was ever joined."""
    attempts: dict[str, int] = field(default_factory=dict)
    """The last attempt at each sum."""
    opened: dict[str, str] = field(default_factory=dict)
    """The attempt that was opened, by sum."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The sites whose sums were opened, by split."""
    forms: dict[str, str] = field(default_factory=dict)
    """The form in which scores were released, by split and weights."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """The operating point at which scores were counted, by split and weights."""
    curves: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the curves in which scores were placed, by split and weights."""
    asked: tuple[str, ...] = ()
    """Runs whose scores were asked for, and prepared, for a masked sum."""
    sealed: Sealed | None = None
    """The masked vector of the last attempt."""


def _sum(terms: Terms) -> str:
    """Return a name of the sum; a training has one of the tuning counts for each weights."""
    of_weights = f" {terms.weights}" if terms.subject == TUNING else ""
    return f"{terms.run} {terms.subject}{of_weights}"


def _scores(weights: str, split: str) -> str:
    return f"{split} {weights}"


def _all_scores(terms: Terms) -> list[str]:
    return [_scores(w, terms.split) for w in (terms.weights, *terms.against)]


class SumHistory:
    """The file exchanges.json of a site, read and written whole at every step."""

    def __init__(self, home: Path) -> None:
        hint = "restore a copy; docs/security.md says how to begin a new one, and what that allows"
        self._file = KeptJsonFile(path=home / "exchanges.json", record=PastSums, hint=hint)

    def _read(self) -> PastSums:
        return self._file.read(missing=PastSums())

    def form_of(self, weights: str, split: str) -> str:
        """Return the form in which these scores were released before, "" if they were not."""
        return self._read().forms.get(_scores(weights, split), "")

    def group_of(self, split: str) -> tuple[str, ...]:
        """Return the sites with which the sums of a split were opened, none if none were."""
        return self._read().groups.get(split, ())

    def hold_thresholds(self, thresholds: Mapping[str, float], split: str) -> None:
        """Write down the operating points of scores, by the digest of their weights; all or none.

        Raises
        ------
        RefusedError
            They were counted at another one; with enough of them the counts would be the scores.
        """
        past = self._read()
        asked = {_scores(w, split): t for w, t in thresholds.items()}
        if any(past.thresholds.get(key, t) != t for key, t in asked.items()):
            raise RefusedError(
                "these scores were counted at another operating point before",
                "a model's operating point is locked in its card",
            )
        self._file.write(replace(past, thresholds={**past.thresholds, **asked}))

    def hold_curves(self, curves: Mapping[str, str], split: str) -> None:
        """Write down in which curves scores are placed, by the digest of their weights.

        Raises
        ------
        RefusedError
            They were placed in others; sums over curves that differ at one score would tell of
            the patient who has that score.
        """
        past = self._read()
        asked = {_scores(w, split): c for w, c in curves.items()}
        if any(past.curves.get(key, c) != c for key, c in asked.items()):
            raise RefusedError(
                "the placement sums of these scores were made with other curves", RESET
            )
        self._file.write(replace(past, curves={**past.curves, **asked}))

    def releasing(self, weights: str, split: str, form: str) -> None:
        """Write down that these scores are about to leave as `cells` or `plain`.

        Raises
        ------
        RefusedError
            They were released in another form; the two together would tell more than either.
        """
        past = self._read()
        key = _scores(weights, split)
        before = past.forms.get(key, form)
        if before != form:
            raise RefusedError(f"these scores were released {before} before, not {form}", RESET)
        self._file.write(replace(past, forms={**past.forms, key: form}))

    def begin(self, terms: Terms) -> None:
        """Join an attempt; its name is spent, and what was sealed before stays closed.

        Raises
        ------
        RefusedError
            It is a replay, an attempt out of order, or a sum that could be subtracted from another.
        """
        past = self._read()
        if terms.exchange in past.used:
            raise RefusedError("this exchange was used before: the request is a replay")
        if terms.attempt <= past.attempts.get(_sum(terms), 0):
            raise RefusedError(f"attempt {terms.attempt} of this run was used before")
        self._may_open(past, terms)
        self._file.write(
            replace(
                past,
                used=(*past.used, terms.exchange),
                attempts={**past.attempts, _sum(terms): terms.attempt},
                sealed=None,
            )
        )

    def expect(self, run: str) -> None:
        """Write down that this run's scores wait for a masked sum."""
        past = self._read()
        if run not in past.asked:
            self._file.write(replace(past, asked=(*past.asked, run)))

    def may_fall_back(self, run: str, split: str) -> bool:
        """Return whether a masked sum of this run was tried here and failed, or none could be.

        None could be where the run waits for one, and this cohort has never been in a sum.
        """
        past = self._read()
        tried = f"{run} counts"
        if tried in past.opened:
            return False
        return past.attempts.get(tried, 0) > 0 or (run in past.asked and split not in past.groups)

    def seal(self, terms: Terms, seed: bytes, bands: tuple[int | None, ...] = ()) -> None:
        """Keep the seed of a masked vector that is about to leave, and the bands beside it."""
        sealed = Sealed(terms=terms, seed=seed.hex(), bands=bands)
        self._file.write(replace(self._read(), sealed=sealed))

    def sealed(self, run: str, exchange: str) -> Sealed:
        """Return what was sealed with a vector, which stays closed.

        Raises
        ------
        RefusedError
            Another vector is sealed, or none.
        """
        sealed = self._read().sealed
        if sealed is None or (sealed.terms.run, sealed.terms.exchange) != (run, exchange):
            raise RefusedError("this site has no masked counts of this exchange to open")
        return sealed

    def open(self, run: str, exchange: str) -> Sealed:
        """Return what was sealed with a vector; asked again for the same one, the same answer.

        Raises
        ------
        RefusedError
            Another vector is sealed, or none, or the sum could be subtracted from another.
        """
        past, sealed = self._read(), self.sealed(run, exchange)
        terms = sealed.terms
        if past.opened.get(_sum(terms)) != exchange:
            self._may_open(past, terms)
            past = replace(past, opened={**past.opened, _sum(terms): exchange})
            if terms.subject == NOISY:  # bounded by the noise, whatever else is asked
                self._file.write(past)
                return sealed
            self._file.write(
                replace(
                    past,
                    groups={**past.groups, terms.split: terms.participants},
                    forms={**past.forms, **dict.fromkeys(_all_scores(terms), "masked")},
                )
            )
        return sealed

    @staticmethod
    def _may_open(past: PastSums, terms: Terms) -> None:
        if _sum(terms) in past.opened:
            raise RefusedError("a masked sum of this run was opened already")
        if terms.subject == NOISY:
            return
        for scores in _all_scores(terms):
            form = past.forms.get(scores, "masked")
            if form != "masked":
                raise RefusedError(f"these scores were released {form} before, not masked", RESET)
        group = past.groups.get(terms.split, terms.participants)
        if group != terms.participants:
            raise RefusedError(
                f"this cohort takes part only in masked sums of {', '.join(group)[:400]}", RESET
            )

    def new_group(self) -> None:
        """Forget with whom, in what form and curves scores left; a replay is still refused.

        A file that is not there any more is begun anew.
        """
        past = self._read() if self._file.path.exists() else PastSums()
        self._file.write(replace(past, groups={}, forms={}, curves={}, sealed=None))

    def must_be_known(self) -> None:
        """Raise ConfigError where the file is damaged, or missing though it was written."""
        self._read()
