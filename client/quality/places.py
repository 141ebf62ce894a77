"""Whether the crops hold what the labels say: judged from the signals that ingest measured.

A limit is either physics (contrast agent makes vessels brighter, diffusion weighting makes the
liver darker) or a robust distance from the site's own cohort.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from hepafed.client.cohort import DYNAMIC, Lesion, Signals, measurements_from
from hepafed.client.quality.outliers import FAR, FEWEST, MAD, Finding, robust_z
from hepafed.common.contract import SEQUENCES

FAINT = 1.0
"""Contrast, in standard deviations of the ring, below which no lesion is seen anywhere."""
FAINT_HERE = 3.0
"""Contrast below which a lesion is looked at if it is far below the site's others."""
BETTER_MOVED = 0.15
"""Gain in agreement (Fisher's z) from which a volume lies 20 mm from where it should."""
BETTER_REVERSED = 0.3
"""Gain in agreement from which a volume is stored the wrong way round."""
BRIGHTER = 0.1
"""Logarithm by which vessels must not be brighter before contrast agent than after it, nor in the
portal phase than in the arterial one."""
BETTER = 0.2
"""Gain that is enough where the agreement is low for the site."""
LOW = 3.0
"""Robust z-score below the site's others from which an agreement is low."""
LEAST_OF_AGREEMENT = 0.1
"""Spread of agreement (Fisher's z) below which a site's own is not believed."""
UNLIKE = 0.5
"""Share of the site's median agreement below which a volume shows something else."""
SAME_PICTURE = 0.9
"""Correlation of ADC with DWI from which one is a copy of the other."""
ALIKE = 0.3
"""Median correlation over the site from which ADC is no ADC: what restricts diffusion is dark."""

LOOK = "look at it in client cohort --html"
OF_PLACE = f"{LOOK}; correct the box or mask in the labels table and ingest again"
OF_VOLUME = (
    f"{LOOK}; check how the sequence was exported, or set its series aside in sequences.toml"
)
OF_PHASE = (
    "see client cohort --series and --explain; name the phases in sequences.toml and ingest again"
)
OF_B = "check the b-values in the headers; set the series aside in sequences.toml if one is wrong"
OF_ADC = "check whether the series is an ADC map; set it aside in sequences.toml if it is not"


def findings_of_places(rows: Sequence[Lesion]) -> Iterator[Finding]:
    """Yield what the signals of the lesions say against their places, sequences and phases."""
    found = [(r, measurements_from(r.facts).signals) for r in rows]
    by_examination: dict[str, list[Signals]] = defaultdict(list)
    for row, signals in found:
        if row.examination:
            by_examination[row.examination].append(signals)
    yield from _unseen(found)
    yield from _elsewhere({e: s[0].agreement for e, s in by_examination.items()})
    for examination, lesions in by_examination.items():
        yield from _misnamed(examination, [s.course for s in lesions if s.course])
        yield from _undecayed(examination, [s.decay for s in lesions if s.decay is not None])
    yield from _adc(found)


def _unseen(found: Sequence[tuple[Lesion, Signals]]) -> Iterator[Finding]:
    seen = [(r, s, max(map(abs, s.contrast.values()))) for r, s in found if s.contrast]
    far = _far_below([math.log(max(best, 0.01)) for _, _, best in seen])
    for (row, signals, best), is_far in zip(seen, far, strict=True):
        if best < FAINT or (is_far and best < FAINT_HERE):
            looked = ", ".join(s for s in SEQUENCES if s in signals.contrast)
            text = (
                f"no lesion is seen at the marked place: in none of {looked} "
                f"does it differ from the tissue round it ({best:.1f} standard deviations at most)"
            )
            yield Finding("place", f"lesion {row.lesion}", text, OF_PLACE)


def _far_below(values: Sequence[float]) -> list[bool]:
    if len(values) < FEWEST:
        return [False] * len(values)
    return [z < -FAR for z in robust_z(values)]


def _elsewhere(agreed: dict[str, dict[str, tuple[float, float, float]]]) -> Iterator[Finding]:
    """Judge each volume against the other sequences; of an examination the worst one is named."""
    for examination, sequences in agreed.items():
        wrong = {}
        for sequence, (stored, backwards, moved) in sequences.items():
            likes = [_fisher(a[sequence][0]) for a in agreed.values() if sequence in a]
            z = _z_in(_fisher(stored), likes)
            gains = _fisher(backwards) - _fisher(stored), _fisher(moved) - _fisher(stored)
            unlike = _fisher(stored) < UNLIKE * float(np.median(likes))
            if text := _how(z, *gains, unlike=unlike):
                wrong[sequence] = (max(gains), text)
        if wrong:
            worst = max(wrong, key=lambda s: wrong[s][0])
            # Of two volumes nobody can say which one is wrong.
            both = " or ".join(s for s in SEQUENCES if s in sequences)
            name = worst if len(sequences) > 2 else both
            where = f"examination {examination}"
            yield Finding("position", where, f"{name} {wrong[worst][1]}", OF_VOLUME)


def _fisher(correlation: float) -> float:
    return math.atanh(min(correlation, 0.999))


def _z_in(value: float, likes: Sequence[float]) -> float:
    """Return the robust z-score of one of the site's agreements; 0 where there are too few."""
    if len(likes) < FEWEST:
        return 0.0
    middle = float(np.median(likes))
    spread = MAD * float(np.median(np.abs(np.asarray(likes) - middle)))
    return (value - middle) / max(spread, LEAST_OF_AGREEMENT)


def _how(z: float, backwards: float, moved: float, *, unlike: bool) -> str:
    """Return how a volume does not fit the others, from its gains in agreement; empty: it fits."""
    is_low = z < -LOW
    is_backwards = backwards > BETTER_REVERSED or (is_low and backwards > BETTER)
    is_moved = moved > BETTER_MOVED
    if is_backwards and (backwards >= moved or not is_moved):
        return "fits the other sequences better if its rows, columns or slices are reversed"
    if is_moved:
        return "fits the other sequences better 20 mm elsewhere"
    if unlike and z < -FAR and max(backwards, moved) > 0:
        return "does not show what the other sequences show at the same place"
    return ""


def _misnamed(examination: str, courses: Sequence[dict[str, float]]) -> Iterator[Finding]:
    level = {p: float(np.median(v)) for p in DYNAMIC if (v := [c[p] for c in courses if p in c])}
    where, pre, arterial = f"examination {examination}", level.get("t1-pre"), level.get("arterial")
    for phase in ("arterial", "portal", "delayed"):
        if pre is not None and phase in level and level[phase] < pre - BRIGHTER:
            text = f"vessels are brighter in t1-pre than in {phase}: the names may be swapped"
            yield Finding("phase", where, text, OF_PHASE)
    if arterial is not None and level.get("portal", arterial) > arterial + BRIGHTER:
        text = "vessels are brighter in portal than in arterial: the names may be swapped"
        yield Finding("phase", where, text, OF_PHASE)


def _undecayed(examination: str, decays: Sequence[float]) -> Iterator[Finding]:
    if decays and (found := float(np.median(decays))) >= 1:
        text = (
            f"the liver is brighter on DWI of the highest b-value than on that of the lowest "
            f"({found:.1f} times): the b-values may be swapped"
        )
        yield Finding("b-value", f"examination {examination}", text, OF_B)


def _adc(found: Sequence[tuple[Lesion, Signals]]) -> Iterator[Finding]:
    known = [(r, s.adc_with_dwi) for r, s in found if s.adc_with_dwi is not None]
    for row, value in known:
        if value > SAME_PICTURE:
            text = f"adc shows the same picture as dwi (correlation {value:.2f})"
            yield Finding("adc", f"lesion {row.lesion}", text, OF_ADC)
    if len(known) >= FEWEST and (middle := float(np.median([v for _, v in known]))) > ALIKE:
        text = f"adc rises with dwi in most lesions (median correlation {middle:.2f})"
        yield Finding("adc", "the cohort", text, OF_ADC)
