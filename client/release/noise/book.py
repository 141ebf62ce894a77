"""The file privacy.json of a site: what every answer with noise told of a cohort.

It is read and written whole. The ledger holds its hash after every change, so that a file that was
cut, changed, deleted or restored from an older copy is found.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hepafed.client.release.ledger import Ledger, WitnessedFile
from hepafed.client.release.noise.accounting import epsilon_of
from hepafed.common.contract import PrivacyConfig
from hepafed.common.errors import ConfigError, RefusedError
from hepafed.common.json_file import JsonFile
from hepafed.common.records import write_record

DELTA = 1e-5
"""The chance at which a budget is shown where no policy states one."""
KIND = "privacy"
"""The kind of a ledger entry that holds the hash of privacy.json; nothing leaves with it."""
LOST = (
    "restore the newest copy; without one move the file away: client questions --reviewed then "
    "goes on, and forgets what was told before (docs/security.md)"
)


@dataclass(frozen=True, kw_only=True)
class NoisyAnswer:
    """An answer with noise that left, or was about to."""

    exchange: str
    """The name of the attempt at the sum."""
    run: str
    split: str
    weights: str
    """SHA-256 of the weights that were scored."""
    at: str
    """UTC, ISO 8601."""
    rho: float
    """What it told, as zero-concentrated differential privacy."""


@dataclass(frozen=True, kw_only=True)
class PrivacySpent:
    """What the file holds."""

    answers: tuple[NoisyAnswer, ...] = ()
    before: str = ""
    """SHA-256 of the version before; "" if this is the first."""


class PrivacyBook:
    """Reads and changes privacy.json, checked."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        path = home / "privacy.json"
        self._file = JsonFile(path=path, record=PrivacySpent, hint=LOST)
        self._witness = WitnessedFile(path, KIND, ledger)

    def spent(self) -> PrivacySpent:
        """Return what was told.

        Raises
        ------
        ConfigError
            The file is damaged, or is not the one that the ledger knows.
        """
        spent = self._file.read(missing=PrivacySpent())
        if not self._witness.is_last(spent.before):
            raise ConfigError(
                "privacy.json is not the file that this site wrote last: it was changed, deleted "
                "or restored from an older copy",
                LOST,
            )
        return spent

    def check(self, policy: PrivacyConfig, split: str, rho: float) -> None:
        """Check that one more answer about a cohort fits into its budget.

        Raises
        ------
        RefusedError
            It does not.
        ConfigError
            What was told before cannot be known: as `spent` says.
        """
        _check(self.spent(), policy, split, rho)

    def spend(self, policy: PrivacyConfig, answer: NoisyAnswer) -> None:
        """Write down an answer that is about to leave; the same attempt is written once.

        Raises
        ------
        RefusedError
            It does not fit into the cohort's budget.
        ConfigError
            What was told before cannot be known: as `spent` says.
        """
        with self._witness.locked():
            spent = self.spent()
            if any(a.exchange == answer.exchange for a in spent.answers):
                self._known()
                return
            _check(spent, policy, answer.split, answer.rho)
            self._write(replace(spent, answers=(*spent.answers, answer)))

    def accept(self) -> None:
        """Take the file as it is, or as empty where there is none: a person has looked.

        Raises
        ------
        ConfigError
            The file is damaged.
        """
        with self._witness.locked():
            spent = self._file.read(missing=PrivacySpent())
            if self._witness.digest() != self._witness.head():
                self._write(spent)

    def _write(self, spent: PrivacySpent) -> None:
        """Replace the file, then let the ledger know its hash; a crash between is no harm."""
        self._file.write(replace(spent, before=self._witness.head()))
        self._known()

    def _known(self) -> None:
        if self._witness.digest() != self._witness.head():
            self._witness.record()


def told(spent: PrivacySpent, split: str, delta: float) -> float:
    """Return ε of all answers about a cohort together."""
    return epsilon_of((a.rho for a in spent.answers if a.split == split), delta)


@dataclass(frozen=True, kw_only=True)
class CohortBudget:
    """What a person at the site sees of a cohort's budget."""

    split: str
    answers: int
    told: float
    """Epsilon of all answers together."""
    delta: float
    lifetime_epsilon: float
    """The policy's; 0 where there is none now."""

    def values(self) -> dict[str, Any]:
        """Return the budget as plain values."""
        return write_record(self)


def budgets(spent: PrivacySpent, policy: PrivacyConfig | None) -> tuple[CohortBudget, ...]:
    """Return the budget of each cohort of which an answer with noise told, by name."""
    delta = policy.delta if policy else DELTA
    return tuple(
        CohortBudget(
            split=split,
            answers=sum(a.split == split for a in spent.answers),
            told=told(spent, split, delta),
            delta=delta,
            lifetime_epsilon=policy.lifetime_epsilon if policy else 0.0,
        )
        for split in sorted({a.split for a in spent.answers})
    )


def _check(spent: PrivacySpent, policy: PrivacyConfig, split: str, rho: float) -> None:
    rhos = [a.rho for a in spent.answers if a.split == split]
    if epsilon_of([*rhos, rho], policy.delta) > policy.lifetime_epsilon * (1 + 1e-9):
        raise RefusedError(
            f"the privacy budget of this cohort is used up: {len(rhos)} answers with noise told "
            f"epsilon {epsilon_of(rhos, policy.delta):.2f} of {policy.lifetime_epsilon:g}, and one "
            "more would pass it",
            "client questions shows them; raise lifetime_epsilon in [privacy] of site.toml only "
            "if the patients' protection allows it",
        )
