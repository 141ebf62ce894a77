"""Who took part in a training, round by round: nobody who gave an update is ever forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hepafed.server.formats import SiteShare


@dataclass
class Participation:
    """What each site gave in each round, or why it gave nothing."""

    examples: dict[int, dict[str, int]] = field(default_factory=dict)
    """By round and site: the training examples that the site stated with its update."""
    reasons: dict[int, dict[str, str]] = field(default_factory=dict)
    """By round and site: why a site that was asked gave no update."""
    releases: dict[int, dict[str, str]] = field(default_factory=dict)
    """By round and site: the release of HepaFed that the site stated with its update."""

    def note(
        self,
        round_: int,
        examples: Mapping[str, int],
        reasons: Mapping[str, str],
        releases: Mapping[str, str] | None = None,
    ) -> None:
        """Keep a round; one that is done anew replaces what was noted of it."""
        self.releases[round_] = dict(sorted((releases or {}).items()))
        self.examples[round_] = dict(sorted(examples.items()))
        self.reasons[round_] = {s: r[:200] for s, r in sorted(reasons.items())}

    def shares(self, until: int) -> tuple[SiteShare, ...]:
        """Return what each site gave in the rounds up to `until`, by name.

        A site that left, joined late or was refused in every round is among them.
        """
        rounds = [n for n in sorted({*self.examples, *self.reasons}) if n <= until]
        given = {n: self.examples.get(n, {}) for n in rounds}
        missed = {n: self.reasons.get(n, {}) for n in rounds}
        names = {s for n in rounds for s in (*given[n], *missed[n])}
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
            )
            for site in sorted(names)
        )

    def latest(self, until: int) -> dict[str, int]:
        """Return the examples that each site stated last, in a round up to `until`."""
        found: dict[str, int] = {}
        for number in sorted(n for n in self.examples if n <= until):
            found |= self.examples[number]
        return dict(sorted(found.items()))

    def plain(self) -> dict[str, object]:
        """Return this as JSON values."""
        return {
            "examples": {str(n): v for n, v in self.examples.items()},
            "reasons": {str(n): v for n, v in self.reasons.items()},
            "releases": {str(n): v for n, v in self.releases.items()},
        }


def participation_from(values: Mapping[str, Mapping[str, object]]) -> Participation:
    """Return what `plain` gave; of a checkpoint of 0.1.0, which has none, nothing."""
    return Participation(
        examples={int(n): dict(v) for n, v in values.get("examples", {}).items()},  # type: ignore[call-overload]
        reasons={int(n): dict(v) for n, v in values.get("reasons", {}).items()},  # type: ignore[call-overload]
        releases={int(n): dict(v) for n, v in values.get("releases", {}).items()},  # type: ignore[call-overload]
    )
