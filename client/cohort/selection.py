"""The lesions of a split that a protocol can use, as one array of images."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
from hepafed.client.cohort.records import SIDE, Acquisition, Lesion, Selection
from hepafed.common.contract import PROTOCOLS
from numpy.typing import NDArray


def select(
    lesions: Iterable[Lesion],
    splits: Mapping[str, str],
    voxels: Callable[[Lesion], NDArray[np.float16]],
    *,
    protocol: str,
    split: str,
    missing: str,
) -> Selection:
    """Return the lesions of a split that a protocol can use, in their order.

    `splits` holds the split of each patient; `voxels` reads a lesion's crop [sequences, slices,
    160, 160]. `external` is every patient (a validate site holds out all it has). `missing` says
    what becomes of a lesion without every sequence of the protocol: `drop` leaves it out, `zero`
    takes it where it has at least one of them, the others being zero (the mean of a normalised
    volume).
    """
    wanted = PROTOCOLS[protocol]
    fits = any if missing == "zero" else all
    chosen = [
        r
        for r in lesions
        if split in ("external", splits.get(r.patient))
        and fits(s in r.sequences.split(",") for s in wanted)
    ]
    return Selection(
        images=_images(chosen, wanted, voxels),
        owner=np.repeat(np.arange(len(chosen)), np.array([r.slices for r in chosen], np.int64)),
        labels=np.array([r.label for r in chosen], np.int64),
        lesions=[r.lesion for r in chosen],
        patients=[r.patient for r in chosen],
        contents=[r.content for r in chosen],
        facts=[r.facts for r in chosen],
        examinations=[r.examination for r in chosen],
    )


def certain(
    lesions: Iterable[Lesion],
    acquisitions: Iterable[Acquisition],
    wanted: Collection[str],
    least: float,
) -> list[Lesion]:
    """Return the lesions of which no wanted sequence is less certain than `least`."""
    doubtful = {
        (a.examination, a.sequence)
        for a in acquisitions
        if a.certainty is not None and a.certainty < least and a.sequence in wanted
    }
    return [
        r
        for r in lesions
        if not any((r.examination, s) in doubtful for s in r.sequences.split(","))
    ]


def _images(
    chosen: Sequence[Lesion],
    wanted: tuple[str, ...],
    voxels: Callable[[Lesion], NDArray[np.float16]],
) -> NDArray[np.float16]:
    """Stack the slices of lesions: [slices of all lesions, channels, 160, 160]."""
    images = np.zeros((sum(r.slices for r in chosen), len(wanted), SIDE, SIDE), np.float16)
    start = 0
    for r in chosen:
        there, end = r.sequences.split(","), start + r.slices
        crop = voxels(r)
        for channel, sequence in enumerate(wanted):
            if sequence in there:
                images[start:end, channel] = crop[there.index(sequence)]
        start = end
    return images
