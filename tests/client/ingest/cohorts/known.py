"""Exports that are known to be misread: the smallest of each kind, and which draws are of it.

A kind that is mended leaves this list; its test (`test_choice_cohorts.py`) says so by passing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from tests.client.ingest.cohorts.draws import Draw, draw
from tests.client.ingest.cohorts.plan import Plan


@dataclass(frozen=True)
class Known:
    """One kind of export that is misread."""

    why: str
    smallest: Draw
    channels: frozenset[str]
    """Those that are chosen wrongly in the smallest export."""
    holds: Callable[[Draw], bool]
    """Whether a draw may be misread for this reason."""


def _has(*names: str) -> Callable[[Draw], bool]:
    return lambda d: any(n in d.troubles for n in names)


def _joint(d: Draw) -> bool:
    return d.plan.dynamic != "series"


def _directed(d: Draw) -> bool:
    return d.plan.diffusion in ("directions", "directions-and-traces")


def _known(why: str, plan: Plan, troubles: tuple[str, ...], channels: str,
           holds: Callable[[Draw], bool], seed: str = "known") -> Known:  # fmt: skip
    return Known(why, Draw(seed, plan, troubles), frozenset(channels.split()), holds)


KNOWN = (
    _known(
        "a dynamic in one series states contrast throughout: its first phase is native although "
        "a Dixon before it is native too",
        Plan(dynamic="times", extras=frozenset({"dixon"})), (), "arterial portal",
        lambda d: _joint(d) and "dixon" in d.plan.extras,
    ),
    _known(
        "a contrast start after every phase makes all of them native",
        Plan(), ("contrast start eight hours late",), "t1-pre",
        _has("contrast start eight hours late"),
    ),
    _known(
        "a contrast start long before makes all phases hepatobiliary",
        Plan(), ("contrast start at registration",), "hepatobiliary",
        _has("contrast start at registration"),
    ),
    _known(
        "a late phase without the contrast agent is taken for the native one",
        Plan(chinese=True), ("agent forgotten in late series",), "t1-pre",
        _has("agent forgotten in late series"),
    ),
    _known(
        "the letters ADC in the description of the DWI make it an ADC map",
        Plan(diffusion="separate"), ("ADC in the name of the DWI",), "adc",
        _has("ADC in the name of the DWI"),
    ),
    _known(
        "the same description in all phases is believed before their times",
        Plan(), ("words of the first phase in all",), "t1-pre",
        _has("words of the first phase in all"),
    ),
    _known(
        "without the arterial phase the next one moves up",
        Plan(chinese=True, extras=frozenset({"hepatobiliary"})),
        ("arterial phase not exported",), "arterial",
        _has("arterial phase not exported"),
    ),
    _known(
        "echo times that jitter make more than three echoes of a dual echo: it is a native T1",
        Plan(vendor="ge", dynamic="times", extras=frozenset({"dual"})),
        ("echo time jitters",), "arterial portal",
        lambda d: "echo time jitters" in d.troubles and "dual" in d.plan.extras,
    ),
    _known(
        "without contrast agents, phases whose echo times jitter are all native: the last is taken",
        Plan(vendor="ge", chinese=True), ("echo time jitters", "no contrast agent"), "t1-pre",
        lambda d: {"echo time jitters", "no contrast agent"} <= set(d.troubles),
    ),
    _known(
        "NORM on some slices of a dynamic in one series: a part of a phase is taken for all of it",
        Plan(dynamic="times"), ("NORM on some slices",), "t1-pre",
        lambda d: _joint(d) and "NORM on some slices" in d.troubles, "k7",
    ),
    _known(
        "without contrast agents, a Dixon before the dynamic makes the native phase arterial",
        Plan(vendor="uih", extras=frozenset({"dixon"})), ("no contrast agent",), "portal",
        lambda d: "dixon" in d.plan.extras and "no contrast agent" in d.troubles,
    ),
    _known(
        "contrast agents in every series of separate phases: the native one is arterial",
        Plan(chinese=True), ("agent in every series",), "arterial portal",
        _has("agent in every series"),
    ),
    _known(
        "without times, a hepatobiliary series without a temporal position comes first",
        Plan(chinese=True, extras=frozenset({"hepatobiliary"})),
        ("no acquisition times",), "arterial portal",
        lambda d: "hepatobiliary" in d.plan.extras and "no acquisition times" in d.troubles,
    ),
    _known(
        "a dynamic in one series that begins with the arterial phase: that one is native",
        Plan(dynamic="times"), ("native phase not exported",), "t1-pre",
        _has("native phase not exported"),
    ),
    _known(
        "a gradient-echo localizer, named by a word that is not known, is a native T1",
        Plan(vendor="canon", dynamic="times", extras=frozenset({"localizer"})),
        ("Image Type cut short",), "t1-pre",
        lambda d: "localizer" in d.plan.extras
        and _has("Image Type cut short", "no descriptions")(d),
    ),
    _known(
        "diffusion directions whose positions jitter are not combined: the last one is the DWI",
        Plan(diffusion="directions"), ("position jitters",), "dwi",
        lambda d: _directed(d) and "position jitters" in d.troubles,
    ),
    _known(
        "diffusion directions whose b-values jitter are not combined: the last one is the DWI",
        Plan(diffusion="directions"), ("b jitters",), "dwi",
        lambda d: _directed(d) and "b jitters" in d.troubles,
    ),
    _known(
        "diffusion directions whose echo times jitter are not combined: the last one is the DWI",
        Plan(diffusion="directions"), ("echo time jitters",), "dwi",
        lambda d: _directed(d) and "echo time jitters" in d.troubles, "k0",
    ),
    _known(
        "echo times that jitter make phases of a dynamic opposed-phase images: the rest moves up",
        Plan(vendor="philips", dynamic="times"), ("echo time jitters",), "t1-pre",
        lambda d: _joint(d) and "echo time jitters" in d.troubles, "k2",
    ),
    _known(
        "NORM on some slices of a diffusion series without b-values: a part is taken for all of it",
        Plan(b_values=(0.0, 1000.0)), ("NORM on some slices", "b-values in names only"), "dwi",
        lambda d: "NORM on some slices" in d.troubles
        and _has("b-values in names only", "no b-values", "no private elements")(d), "k1",
    ),
    _known(
        "a b = 0 series of Philips says spin echo and no more: with more slices it is the T2",
        Plan(vendor="philips", diffusion="separate", b_values=(0.0, 1000.0), named=False), (), "t2",
        lambda d: d.plan.vendor == "philips" and not d.plan.named
        and d.plan.diffusion == "separate" and 0.0 in d.plan.b_values,
    ),
    _known(
        "a diffusion series of Philips without b-values is the T2",
        Plan(vendor="philips", named=False), ("no b-values",), "t2",
        lambda d: d.plan.vendor == "philips" and not d.plan.named
        and _has("no b-values", "b-values in names only")(d),
    ),
    _known(
        "an ADC map of Philips whose Image Type was cut short is the T2",
        Plan(vendor="philips", named=False, extras=frozenset({"adc"})),
        ("Image Type cut short",), "t2",
        lambda d: d.plan.vendor == "philips" and not d.plan.named and "adc" in d.plan.extras
        and "Image Type cut short" in d.troubles,
    ),
    _known(
        "a trigger time that repeats what the acquisition time says is added to it",
        Plan(vendor="philips", dynamic="both"), ("contrast start as it was",), "portal",
        lambda d: d.plan.dynamic == "both",
    ),
    _known(
        "phases without times and temporal positions are taken in the order of the files",
        Plan(chinese=True),
        ("files in another order", "no acquisition times", "no temporal positions"),
        "arterial portal",
        lambda d: not _joint(d) and {"no acquisition times", "no temporal positions"}
        <= set(d.troubles), "k4",
    ),
    _known(
        "a hepatobiliary series of which nothing tells its phase is native where no other T1 is",
        Plan(dynamic="times", extras=frozenset({"hepatobiliary"})),
        ("position jitters", "no temporal positions", "no contrast agent", "no descriptions"),
        "t1-pre",
        lambda d: "hepatobiliary" in d.plan.extras and "no contrast agent" in d.troubles,
    ),
)  # fmt: skip


def known_of(d: Draw) -> list[Known]:
    """Return the kinds of which a draw is one."""
    return [k for k in KNOWN if k.holds(d)]


def unknown(seed: int) -> Iterator[Draw]:
    """Yield the draws of a seed that are of no known kind."""
    return (d for d in (draw(seed, n) for n in count()) if not known_of(d))
