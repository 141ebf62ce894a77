"""Who took part in a training, round by round: nobody who gave an update is ever forgotten."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from hepafed.server.formats import SiteShare


@dataclass
class Participation:
    """What each site gave in each round, or why it gave nothing."""

    examples: dict[int, dict[str, int]] = field(default_factory=dict)
    """By round and site: the training examples that the site stated with its update."""
    reasons: dict[int, dict[str, str]] = field(default_factory=dict)
    """By round and site: why a site that belonged to the run gave no update."""
    releases: dict[int, dict[str, str]] = field(default_factory=dict)
    """By round and site: the release of HepaFed that the site stated with its update."""
    counted: dict[int, dict[str, int]] = field(default_factory=dict)
    """By round and site: the examples as they weighed in the mean, none with more than its
    largest share; nothing of rounds before this was kept."""
    steps: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    """By round and site: steps that were taken and planned, where the plan counts them."""

    def note(
        self,
        round_: int,
        examples: Mapping[str, int],
        reasons: Mapping[str, str],
        releases: Mapping[str, str] | None = None,
        *,
        counted: Mapping[str, int] | None = None,
        steps: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        """Keep a round; one that is done anew replaces what was noted of it.

        `counted`: the examples as they weighed in the mean; those of `examples` without it.
        """
        self.releases[round_] = dict(sorted((releases or {}).items()))
        self.examples[round_] = dict(sorted(examples.items()))
        self.reasons[round_] = {s: r[:200] for s, r in sorted(reasons.items())}
        self.counted[round_] = dict(sorted((examples if counted is None else counted).items()))
        self.steps[round_] = {s: [*v] for s, v in sorted((steps or {}).items())}

    def missed_in_a_row(self, site: str, until: int) -> int:
        """Return how many rounds up to `until` a site of the run has given nothing, in a row."""
        number = until
        while site in self.reasons.get(number, {}) and site not in self.examples.get(number, {}):
            number -= 1
        return until - number

    def shares(self, until: int) -> tuple[SiteShare, ...]:
        """Return what each site gave in the rounds up to `until`, by name.

        A site that left, joined late or was refused in every round is among them.
        """
        rounds = [n for n in sorted({*self.examples, *self.reasons}) if n <= until]
        given = {n: self.examples.get(n, {}) for n in rounds}
        missed = {n: self.reasons.get(n, {}) for n in rounds}
        names = {s for n in rounds for s in (*given[n], *missed[n])}
        weights = self._weights(rounds)
        steps = self._steps(rounds)
        return tuple(
            SiteShare(
                site=site,
                rounds=sum(site in given[n] for n in rounds),
                examples=sum(given[n].get(site, 0) for n in rounds),
                first=min((n for n in rounds if site in given[n]), default=0),
                last=max((n for n in rounds if site in given[n]), default=0),
                missed=sum(site in missed[n] for n in rounds),
                reason=next((missed[n][site] for n in reversed(rounds) if site in missed[n]), ""),
                releases=tuple(
                    sorted({r for n in rounds if (r := self.releases.get(n, {}).get(site))})
                ),
                share=None if weights is None else weights.get(site, 0) / sum(weights.values()),
                steps=steps[site][0] if site in steps else None,
                planned_steps=steps[site][1] if site in steps else None,
            )
            for site in sorted(names)
        )

    def _weights(self, rounds: Collection[int]) -> dict[str, int] | None:
        """Return the examples that weighed in the means of some rounds; None where one is unknown.

        None also where nothing weighed at all.
        """
        if any(self.examples.get(n) and not self.counted.get(n) for n in rounds):
            return None
        made: dict[str, int] = {}
        for n in rounds:
            for site, count in self.counted.get(n, {}).items():
                made[site] = made.get(site, 0) + count
        return made or None

    def _steps(self, rounds: Collection[int]) -> dict[str, tuple[int, int]]:
        """Return the steps that each site took and planned in some rounds."""
        made: dict[str, tuple[int, int]] = {}
        for n in rounds:
            for site, (taken, planned) in self.steps.get(n, {}).items():
                before = made.get(site, (0, 0))
                made[site] = before[0] + taken, before[1] + planned
        return made

    def latest(self, until: int) -> dict[str, int]:
        """Return the examples that each site stated last, in a round up to `until`."""
        found: dict[str, int] = {}
        for number in sorted(n for n in self.examples if n <= until):
            found |= self.examples[number]
        return dict(sorted(found.items()))

    def last_rounds(self, until: int) -> dict[str, int]:
        """Return the last round up to `until` in which each site gave an update, by name."""
        found: dict[str, int] = {}
        for number in sorted(n for n in self.examples if n <= until):
            found |= dict.fromkeys(self.examples[number], number)
        return dict(sorted(found.items()))

    def plain(self) -> dict[str, object]:
        """Return this as JSON values."""
        return {
            "examples": {str(n): v for n, v in self.examples.items()},
            "reasons": {str(n): v for n, v in self.reasons.items()},
            "releases": {str(n): v for n, v in self.releases.items()},
            "counted": {str(n): v for n, v in self.counted.items()},
            "steps": {str(n): v for n, v in self.steps.items() if v},
        }


def participation_from(values: Mapping[str, Mapping[str, Any]]) -> Participation:
    """Return what `plain` gave; of a checkpoint of 0.1.0, which has none, nothing."""

    def of(name: str) -> dict[int, dict[str, Any]]:
        return {int(n): dict(v) for n, v in values.get(name, {}).items()}

    return Participation(of("examples"), of("reasons"), of("releases"), of("counted"), of("steps"))
