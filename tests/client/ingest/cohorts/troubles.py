"""What becomes of an export on its way: copied, rounded, de-identified, mistyped.

Each trouble takes the slices of an examination and gives them changed. Those of `HARMLESS` change
nothing that tells what a slice is. `JITTER` are values as scanners write them. `REMOVED` takes
evidence away, and `TYPED` contradicts it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from hepafed.deploy.demo.dialects import DIALECTS, Weighting
from hepafed.deploy.demo.series import uid

from tests.client.ingest.cohorts.plan import INJECTED, PHASES, STARTS, Slice

Trouble = Callable[[Sequence[Slice], Random], list[Slice]]
MORNING = 36000
"""Seconds after midnight at which the study begins."""
DYNAMIC = {*PHASES, "hepatobiliary"}
DESCRIPTIONS = ("SeriesDescription", "ProtocolName")


def _each(change: Callable[[Slice], Slice]) -> Trouble:
    return lambda slices, _: [change(s) for s in slices]


def _without(*keywords: str) -> Trouble:
    return _each(lambda s: s.stating(**dict.fromkeys(keywords)))


def shuffled(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Give the files in another order; their names follow it."""
    return rng.sample(slices, len(slices))


def renamed(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Give fresh UIDs, as a de-identifier does."""
    salt = rng.random()

    def fresh(s: Slice) -> Slice:
        a = s.record.attributes
        keywords = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
        return s.stating(**{k: uid(salt, a[k]) for k in keywords})

    return [fresh(s) for s in slices]


def renumbered(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Give other series numbers in the same order."""
    known = sorted({int(str(s.record.attributes["SeriesNumber"])) for s in slices})
    fresh = dict(zip(known, sorted(rng.sample(range(1, 5000), len(known))), strict=True))
    return [s.stating(SeriesNumber=fresh[int(str(s.record.attributes["SeriesNumber"]))])
            for s in slices]  # fmt: skip


def instances_shuffled(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Give the slices of each series their instance numbers in any order."""
    series: dict[object, list[Slice]] = {}
    for s in slices:
        series.setdefault(s.record.attributes["SeriesInstanceUID"], []).append(s)
    numbers = {uid: rng.sample(range(1, len(m) + 1), len(m)) for uid, m in series.items()}
    return [s.stating(InstanceNumber=numbers[s.record.attributes["SeriesInstanceUID"]].pop())
            for s in slices]  # fmt: skip


def b_jitter(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """State b-values within one per cent, slice by slice; names and comments stay nominal."""

    def jittered(s: Slice) -> Slice:
        if s.weighting is None or not s.weighting.b or s.vendor == "canon":
            return s
        w = s.weighting
        applied = Weighting(w.b * rng.uniform(0.99, 1.01), w.direction, w.number)
        stated = DIALECTS[s.vendor].diffusion(applied)
        own = {k: v for k, v in stated.attributes.items() if k == "DiffusionBValue"}
        private = (*DIALECTS[s.vendor].private, *stated.private)
        made = s.stating(**own)
        return replace(made, record=replace(made.record, private=private))

    return [jittered(s) for s in slices]


def echo_jitter(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """State echo times within 0.02 ms of each other."""
    return [
        s.stating(EchoTime=round(float(str(s.record.attributes["EchoTime"]))
                                 + rng.choice((-0.02, 0.0, 0.02)), 3))
        for s in slices
    ]  # fmt: skip


def place_jitter(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """State positions within 0.05 mm."""

    def moved(s: Slice) -> Slice:
        place = s.record.attributes["ImagePositionPatient"]
        assert isinstance(place, list)
        return s.stating(
            ImagePositionPatient=[round(p + rng.uniform(-0.05, 0.05), 5) for p in place]
        )

    return [moved(s) for s in slices]


def norm_on_some(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Say NORM on some slices of each volume and not on the others."""

    def said(s: Slice) -> Slice:
        words = [w for w in str(s.record.attributes["ImageType"]).split("\\") if w != "NORM"]
        return s.stating(ImageType="\\".join(words + ["NORM"] * rng.randrange(2)))

    return [said(s) for s in slices]


def _cut(s: Slice) -> Slice:
    return s.stating(ImageType="\\".join(str(s.record.attributes["ImageType"]).split("\\")[:2]))


def _b_in_names(s: Slice) -> Slice:
    """Take the b-values away from all but the names: the description or the sequence name."""
    made = s.without_private().stating(DiffusionBValue=None, ImageComments=None)
    if s.weighting is None or s.vendor == "siemens":
        return made
    words = f"{s.record.attributes.get('SeriesDescription', 'DWI')} b{s.weighting.b:g}"
    return made.stating(SeriesDescription=words)


def _no_b(s: Slice) -> Slice:
    pulse = (
        "*ep" if s.weighting and s.vendor == "siemens" else s.record.attributes.get("SequenceName")
    )
    return s.without_private().stating(DiffusionBValue=None, ImageComments=None, SequenceName=pulse)


def _start(seconds: float) -> Trouble:
    """State a contrast start for the whole dynamic, `seconds` after the study's own."""
    moment = int(MORNING + seconds) % 86400
    text = f"{moment // 3600:02d}{moment // 60 % 60:02d}{moment % 60:02d}"
    return _each(lambda s: s.stating(ContrastBolusStartTime=text) if s.stack in DYNAMIC else s)


def _agent_everywhere(s: Slice) -> Slice:
    return s.stating(ContrastBolusAgent="Gadobutrol")


def _agent_forgotten(s: Slice) -> Slice:
    return s.stating(ContrastBolusAgent=None) if s.stack in ("hepatobiliary", "delayed") else s


def _adc_in_name(s: Slice) -> Slice:
    if s.weighting is None:
        return s
    return s.stating(**{k: f"{s.record.attributes[k]}_ADC" for k in DESCRIPTIONS
                        if k in s.record.attributes})  # fmt: skip


def _copied_words(s: Slice) -> Slice:
    """Give all phases the description of the first, whose protocol was run again."""
    words = DIALECTS[s.vendor].english["t1-pre"]
    return s.stating(**dict.fromkeys(DESCRIPTIONS, words)) if s.stack in PHASES else s


def _same_words(s: Slice) -> Slice:
    words = DIALECTS[s.vendor].english["dynamic"]
    return s.stating(**dict.fromkeys(DESCRIPTIONS, words)) if s.stack in DYNAMIC else s


def series_numbers_shuffled(slices: Sequence[Slice], rng: Random) -> list[Slice]:
    """Give series numbers that say nothing of the order."""
    known = sorted({str(s.record.attributes["SeriesNumber"]) for s in slices})
    fresh = dict(zip(known, rng.sample(range(1, 5000), len(known)), strict=True))
    return [s.stating(SeriesNumber=fresh[str(s.record.attributes["SeriesNumber"])]) for s in slices]


def _lost(stack: str) -> Trouble:
    return lambda slices, _: [s for s in slices if s.stack != stack]


HARMLESS: dict[str, Trouble] = {
    "files in another order": shuffled,
    "fresh UIDs": renamed,
    "other series numbers": renumbered,
}
JITTER: dict[str, Trouble] = {
    "b jitters": b_jitter,
    "echo time jitters": echo_jitter,
    "position jitters": place_jitter,
    "NORM on some slices": norm_on_some,
}
REMOVED: dict[str, Trouble] = {
    "no acquisition times": _without(
        "AcquisitionTime", "ContentTime", "SeriesTime", "AcquisitionDate", "ContentDate"
    ),
    "no trigger times": _without("TriggerTime"),
    "no temporal positions": _without("TemporalPositionIdentifier", "NumberOfTemporalPositions"),
    "no acquisition numbers": _without("AcquisitionNumber"),
    "no contrast agent": _without("ContrastBolusAgent"),
    "no descriptions": _without(*DESCRIPTIONS),
    "Image Type cut short": _each(_cut),
    "no private elements": _each(Slice.without_private),
    "no b-values": _each(_no_b),
    "no scan options": _without("ScanOptions"),
    "no sequence names": _without("SequenceName"),
    "no manufacturer": _without("Manufacturer"),
    "instance numbers shuffled": instances_shuffled,
    "series numbers shuffled": series_numbers_shuffled,
}
TYPED: dict[str, Trouble] = {
    "contrast start as it was": _start(INJECTED),
    "contrast start at registration": _start(STARTS[0] - 900),
    "contrast start eight hours early": _start(INJECTED - 8 * 3600),
    "contrast start eight hours late": _start(INJECTED + 8 * 3600),
    "agent in every series": _each(_agent_everywhere),
    "agent forgotten in late series": _each(_agent_forgotten),
    "ADC in the name of the DWI": _each(_adc_in_name),
    "b-values in names only": _each(_b_in_names),
    "words of the first phase in all": _each(_copied_words),
    "the same words in all phases": _each(_same_words),
    "arterial phase not exported": _lost("arterial"),
    "native phase not exported": _lost("t1-pre"),
}
TROUBLES = HARMLESS | JITTER | REMOVED | TYPED
ALTERNATIVES = (
    {n for n in TYPED if n.startswith("contrast start")},
    {"no acquisition times", "series numbers shuffled"},
    {"no b-values", "b-values in names only", "b jitters"},
    {"no contrast agent", "agent in every series", "agent forgotten in late series"},
    {"no descriptions", "words of the first phase in all", "the same words in all phases"},
    {"arterial phase not exported", "native phase not exported"},
)
"""Troubles of which a draw has at most one. Series numbers may be all that is left of the order."""
