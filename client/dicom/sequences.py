"""Which sequence a series is: rules in order, attributes before descriptions."""

import re

from hepafed.client.dicom.header import Header

DERIVED = re.compile(r"\b(loc|localizer|localiser|scout|mip|mpr|sub|subtraction|survey|3-?plane)\b")
PHASES = (
    ("hepatobiliary", r"hepatob|hbp|20 ?min"),
    ("arterial", r"\bart|arterial|\bap\b"),
    ("portal", r"\bport|\bpv|venous|\bvp\b"),
    ("delayed", r"delay|equil|late|\bdp\b"),
)


def sequence_of(h: Header) -> str:
    """Name the sequence of a series by one of its headers; "" when it has no role here."""
    if DERIVED.search(h.description) or "LOCALIZER" in h.image_type:
        return ""
    if "ADC" in h.image_type or re.search(r"\badc\b|apparent", h.description):
        return "adc"
    if h.b_value is not None or re.search(r"dwi|diff|\bb ?\d{2,4}\b", h.description):
        return "dwi"
    echo, repetition = h.echo_time, h.repetition_time
    if echo is None or repetition is None:
        return _by_words(h)
    if echo >= 50 and repetition >= 800:
        return "t2"
    if echo < 30 and repetition < 1200 and not (h.inversion_time or 0) > 0:
        return _dynamic(h)
    return _by_words(h)


def _by_words(h: Header) -> str:
    if re.search(r"\bt2", h.description):
        return "t2"
    return _dynamic(h) if re.search(r"\bt1|vibe|lava|thrive", h.description) else ""


def _dynamic(h: Header) -> str:
    """Tell the phases of a T1 series apart by its words; contrast alone says only `t1`."""
    for name, words in PHASES:
        if re.search(words, h.description):
            return name
    if re.search(r"\bpre\b|native|unenh|non-?contrast|precontrast", h.description):
        return "t1-pre"
    return "t1" if h.contrast or (h.temporal or 0) > 1 else "t1-pre"
