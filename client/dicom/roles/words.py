"""Words by which descriptions name a kind of image, and what of them speaks against a role."""

import re
from collections.abc import Iterator
from typing import Final

from hepafed.client.dicom.roles.rule import StackFacts, has_words

LOCALIZER: Final = (
    "^loc", "loc$", "localizer", "localiser", "scout", "^survey", "survey$", "^pilot", "pilot$",
    "3 pl", "3 plane", "tri plane",
)  # fmt: skip
DERIVED_WORDS: Final = (
    "mip", "minip", "mpr", "sub", "subs", "subtraction", "subtracted", "reformat*", "screen shot",
    "screen save", "report", "snapshot", "fusion", "eadc", "exp* adc", "exp* app*", "wave",
    "stiffness", "pdff", "fat fraction", "t1 map*", "t2 map*", "t2 star map*", "r2 map*",
    "r2 star map*", "*减影*",
)  # fmt: skip
MAP_WORDS: Final = ("apparent diff*", "average dc", "avg dc")
ADC_WORDS: Final = ("adc", *MAP_WORDS)
MRCP_WORDS: Final = ("*mrcp*", "*cholangio*")
DIFFUSION_WORDS: Final = ("*dwi*", "*diff*", "b#", "trace", "tracew", "*弥散*", "*扩散*")
T2_WORDS: Final = ("t2*",)
T1_WORDS: Final = ("t1*", "*vibe*", "*lava*", "*thrive*", "quick 3d*")

PHASE_WORDS: Final = {
    "t1-pre": ("pre", "c pre", "native", "nativ", "unenh*", "non contrast", "precontrast",
               "without", "wo", "*平扫*"),
    "arterial": ("art*", "*arterial*", "eap", "hap", "lap", "c a", "*动脉*"),
    "portal": ("port*", "pv", "pvp", "ven", "venous", "vp", "c v", "*门脉*", "*门静脉*"),
    "delayed": ("delay*", "equil*", "late", "dp", "transition*", "2 min", "3 min", "4 min",
                "5 min", "6 min", "7 min", "8 min", "9 min", "*延迟*", "*平衡期*"),
    "hepatobiliary": ("hepato b*", "hbp", "10 min", "15 min", "20 min", "*肝胆期*", "*肝胆特异*"),
}  # fmt: skip
"""What names a phase of the dynamic, in English and Chinese, in the order of time."""
BEFORE_AND_AFTER: Final = (
    "w wo",
    "w and wo",
    "with without",
    "with and without",
    "pre post",
    "wwo",
)
"""Names a whole dynamic, not a phase."""
LATE_OR_EARLY: Final = (
    "late art*",
    "late hap",
    "early port*",
    "late port*",
    "late pv*",
    "late ven*",
)
"""Part of a phase: `late` is no delayed phase here."""
AFTER_CONTRAST: Final = ("post", "post contrast", "gd", "*增强*")
"""Says that contrast was given, of no phase by itself."""

B_VALUE: Final = re.compile(r"(?<![a-z0-9])b ?(?:value)? ?(\d{1,4})(?![0-9a-z])((?: \d{2,4}\b)*)")

_TOPICS: Final = {
    "adc": (ADC_WORDS, {"adc"}),
    "diffusion": (DIFFUSION_WORDS, {"dwi", "adc"}),
    "t2": (T2_WORDS, {"t2", "dwi"}),
    "t1": (T1_WORDS, {"t1", "t1-in-phase", "t1-opposed-phase"}),
}
"""What a description may name, by which words, and with which roles that agrees."""
_EXCLUSIVE: Final = {
    "a map, projection, subtraction or screenshot": DERIVED_WORDS,
    "a cholangiogram": MRCP_WORDS,
}
_WEIGHTINGS: Final = {"T1": "t1", "T2": "t2", "DIFFUSION": "dwi"}


def phase_named(description: str) -> str:
    """Return the one phase that a description names; "" where it names none or several."""
    facts = StackFacts(description=description)
    if has_words(facts, BEFORE_AND_AFTER):
        return ""
    named = {phase for phase, words in PHASE_WORDS.items() if has_words(facts, words)}
    if has_words(facts, LATE_OR_EARLY):
        named.discard("delayed")
    return named.pop() if len(named) == 1 else ""


def b_in_words(description: str) -> float | None:
    """Return the one b-value that a description names, s/mm²; None where it names none or several.

    A range (`b50 400 800`) names several: numbers that follow count too.
    """
    named = B_VALUE.findall(description)
    return float(named[0][0]) if len(named) == 1 and not named[0][1] else None


def doubts_of(facts: StackFacts, sequence: str) -> Iterator[str]:
    """Say what of a stack speaks against the role that was decided.

    A description that names the role among other words does not speak against it. The sentences
    are ours and hold no value of the file.
    """
    named = {topic for topic, (words, _) in _TOPICS.items() if has_words(facts, words)}
    agreeing = {topic for topic, (_, roles) in _TOPICS.items() if sequence in roles}
    if named and not named & agreeing:
        yield f"its description says {' and '.join(sorted(named))}"
    for what, words in _EXCLUSIVE.items():
        if has_words(facts, words):
            yield f"its description says {what}"
    stated = _WEIGHTINGS.get(facts.weighting, "")
    if stated and not sequence.startswith(stated) and (stated, sequence) != ("dwi", "adc"):
        yield f"its stated contrast is {facts.weighting}"
