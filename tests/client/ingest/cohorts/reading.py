"""What the product reads and chooses of slices that are no files, and whether that is right."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hepafed.client.dicom.encoding import Header
from hepafed.client.dicom.encoding.elements import Elements, Raw
from hepafed.client.dicom.encoding.frames import slices_of
from hepafed.client.dicom.encoding.image import Place
from hepafed.client.dicom.encoding.tags import PRIVATE, STANDARD
from hepafed.client.dicom.roles import volumes_of
from hepafed.client.dicom.volumes import Volume
from hepafed.client.ingest.choice import choose
from hepafed.client.lesions import Label, LocatedLesion
from hepafed.common.errors import DicomError
from pydicom.charset import python_encoding
from pydicom.datadict import tag_for_keyword

from tests.client.ingest.cohorts.plan import Plan, Slice

PIXELS = 0x7FE00010
BIG = 1 << 40
EXPLICIT = "1.2.840.10008.1.2.1"
T1_WEIGHTED = ("t1-pre", "arterial", "portal", "delayed", "hepatobiliary")
UNPLACED = {"in phase", "opposed phase", "Dixon in-phase", "Dixon opposed-phase"}
"""Stacks that may be called T1 without a phase."""


def header_of(s: Slice, name: str) -> Header | None:
    """Return what the product reads of a slice; None where it sets the file aside or refuses it."""
    top = Elements(pixel_tag=PIXELS, pixel_offset=0, pixel_length=BIG)
    codec = python_encoding[str(s.record.attributes["SpecificCharacterSet"])]
    for keyword, value in s.record.attributes.items():
        tag = tag_for_keyword(keyword)
        if tag in STANDARD:
            top.found[tag] = Raw("LO", _text(value).encode(codec))
    blocks: dict[tuple[int, str], int] = {}
    for group, creator, low, vr, value in s.record.private:
        if creator.upper() in PRIVATE.get(group, {}):
            used = sum(g == group for g, _ in blocks)
            block = blocks.setdefault((group, creator), 0x10 + used)
            top.private[group << 16 | block] = Raw("LO", creator.encode())
            text = _text(np.float32(str(value)).item() if vr == "FL" else value)
            top.private[group << 16 | block << 8 | low] = Raw("LO", text.encode())
    try:
        (made,) = slices_of(Place(Path(name), "", name, BIG, EXPLICIT), Elements(), top)
    except DicomError:
        return None
    return made


def _text(value: object) -> str:
    return "\\".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Verdict:
    """Which channels were chosen right, and which wrongly."""

    right: frozenset[str]
    wrong: dict[str, str]
    """Channel → what was taken for it."""
    there: frozenset[str]
    """Channels that the examination has."""


def read(slices: Sequence[Slice], plan: Plan) -> dict[str, Volume]:
    """Return the volume that the product chooses for each channel."""
    headers = [h for n, s in enumerate(slices) if (h := header_of(s, f"{n:06d}")) is not None]
    grouped = volumes_of(headers)
    t2 = {s.instance for s in slices if s.stack == "T2"}
    label = Label(2, "P1", "L1", 0)
    lesions = []
    for v in grouped.volumes:
        if t2 == {h.instance for h in v.headers}:
            row = Label(2, "P1", "L1", 0, series_uid=v.series_uid) if plan.named else label
            lesions.append(LocatedLesion(row, v, (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)))
    if not lesions:
        return {}  # the ingest finds no place for the lesion, and refuses its row
    return choose(grouped.volumes, lesions)[0]


def judge(slices: Sequence[Slice], plan: Plan) -> Verdict:
    """Hold the choice to what each slice truly is."""
    stacks: dict[str, set[str]] = defaultdict(set)
    channels: dict[str, str] = {}
    owner = {s.instance: s.stack for s in slices}
    for s in slices:
        stacks[s.stack].add(s.instance)
        channels[s.stack] = s.channel
    right, wrong = set(), {}
    for channel, volume in read(slices, plan).items():
        used = {h.instance for v in volume.stacks for h in v.headers}
        if used in _allowed(channel, stacks, channels):
            right.add(channel)
        else:
            named = sorted({owner[i] for i in used})
            part = "" if used == set().union(*(stacks[n] for n in named)) else " (in part)"
            wrong[channel] = " + ".join(named) + part
    return Verdict(frozenset(right), wrong, frozenset(filter(None, channels.values())))


def _allowed(channel: str, stacks: dict[str, set[str]], channels: dict[str, str]) -> list[set[str]]:
    """Return the sets of slices that are the right volume of a channel."""
    if channel == "t1":
        return [v for k, v in stacks.items() if channels[k] in T1_WEIGHTED or k in UNPLACED]
    found = [k for k in stacks if channels[k] == channel]
    ways = [stacks[k] for k in found if "direction" in k]
    mean = [set().union(*ways)] if ways else []
    return [stacks[k] for k in found if "direction" not in k] + mean
