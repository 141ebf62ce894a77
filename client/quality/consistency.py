"""The consistency report, examination by examination: what to look at, and why."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hepafed.client.cohort import DYNAMIC, Acquisition, Lesion, measurements_from
from hepafed.client.quality.findings import scanner_of
from hepafed.client.quality.order import Remark, doubt
from hepafed.client.quality.outliers import Finding
from hepafed.common.contract import CLASSES, PROTOCOLS, SEQUENCES

LIVER_MM = 260.0
"""Longest side of a very large liver; a longer box is a mistake."""
LIVER_ML = 2500.0
"""Volume of a very large liver."""
SMALLEST_MM = 4.0
"""Longest side in the plane of a lesion that is not very small."""
LEAST_BODY = 0.6
"""Share of a lesion that must be body."""
LEAST_FIELD = 0.9
"""Share of a lesion that must lie inside every sequence's image."""
FARTHEST_APART = 20.0
"""Millimetres between a lesion's boxes in two sequences; breathing moves a liver by that."""


@dataclass(frozen=True)
class LesionLine:
    """One lesion in the report."""

    lesion: str
    """Pseudonym."""
    label: str
    source: str
    """`box`, `mask` or empty."""
    size: tuple[float, ...]
    """Millimetres along columns, rows and slices; empty where unknown."""
    remarks: tuple[str, ...]
    doubt: float
    """The larger, the sooner to be looked at (see `order`)."""


@dataclass(frozen=True)
class ExaminationLine:
    """One examination in the report."""

    examination: str
    """Pseudonym; empty for pictures without an examination."""
    patient: str
    """Pseudonym."""
    split: str
    scanner: str
    found: tuple[str, ...]
    """Sequences that it has."""
    missing: Mapping[str, tuple[str, ...]]
    """Protocol → sequences that it lacks; a protocol that it satisfies is there with none."""
    lesions: tuple[LesionLine, ...]
    """The most doubtful first."""
    remarks: tuple[str, ...]
    """Remarks on the examination as a whole."""

    @property
    def suspicious(self) -> bool:
        """Return whether there is anything to look at."""
        return bool(self.remarks) or any(x.remarks for x in self.lesions)

    @property
    def doubt(self) -> float:
        """Return the doubt of its most doubtful lesion."""
        return max(x.doubt for x in self.lesions)


def consistency(
    rows: Sequence[Lesion],
    acquired: Sequence[Acquisition],
    splits: Mapping[str, str],
    findings: Sequence[Finding] = (),
) -> list[ExaminationLine]:
    """Return every examination; the doubtful ones first, then in the order of pseudonyms."""
    examinations: dict[tuple[str, str], list[Lesion]] = defaultdict(list)
    classes: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        examinations[row.patient, row.examination or row.lesion].append(row)
        classes[row.patient].add(row.label)
    scanners: dict[str, list[Acquisition]] = defaultdict(list)
    for a in acquired:
        scanners[a.examination].append(a)
    made = []
    for (patient, _), lesions in examinations.items():
        name = lesions[0].examination
        there = {s for r in lesions for s in r.sequences.split(",")}
        remarks: list[Remark] = [*_of_phases(lesions, there), *_of_classes(classes[patient])]
        remarks += [Remark(f.kind, f.text) for f in findings if _concerns(f, name, patient)]
        found = [_line(r, findings, remarks) for r in lesions]
        made.append(
            ExaminationLine(
                examination=name,
                patient=patient,
                split=splits.get(patient, ""),
                scanner=", ".join(sorted({scanner_of(a) for a in scanners[name]})),
                found=tuple(s for s in SEQUENCES if s in there),
                missing={p: tuple(s for s in q if s not in there) for p, q in PROTOCOLS.items()},
                lesions=tuple(sorted(found, key=lambda x: (-x.doubt, x.lesion))),
                remarks=tuple(r.text for r in remarks),
            )
        )
    return sorted(made, key=lambda e: (-e.doubt, e.patient, e.examination))


def _concerns(finding: Finding, examination: str, patient: str) -> bool:
    words = finding.where.split()
    return bool(examination and examination in words) or patient in words


def _line(row: Lesion, findings: Sequence[Finding], around: Sequence[Remark]) -> LesionLine:
    """Return a lesion's line; `around` are the remarks on its examination."""
    found = measurements_from(row.facts)
    remarks = list(_of_size(found.size))
    if found.in_body is not None and found.in_body < LEAST_BODY:
        outside = _percent(1 - found.in_body)
        remarks.append(Remark("body", f"{outside} of it lies outside the body"))
    if found.in_field is not None and found.in_field < LEAST_FIELD:
        outside = _percent(1 - found.in_field)
        remarks.append(Remark("field", f"{outside} of it lies outside a sequence's image"))
    if found.apart is not None and found.apart > FARTHEST_APART:
        apart = f"its boxes in different sequences are {found.apart:.0f} mm apart"
        remarks.append(Remark("apart", apart))
    remarks += [Remark(f.kind, f.text) for f in findings if row.lesion in f.where.split()]
    return LesionLine(
        lesion=row.lesion,
        label=CLASSES[row.label],
        source=found.source,
        size=found.size,
        remarks=tuple(r.text for r in remarks),
        doubt=doubt([*remarks, *around]),
    )


def _of_size(size: tuple[float, ...]) -> Iterator[Remark]:
    if not size:
        return
    if max(size) > LIVER_MM:
        yield Remark("size", f"the box is longer than a liver ({max(size):.0f} mm)")
    # An ellipsoid fills π/6 of its box.
    millilitres = size[0] * size[1] * size[2] * 0.5236 / 1000
    if millilitres > LIVER_ML:
        yield Remark("size", f"the lesion is larger than a liver ({millilitres:.0f} ml)")
    if max(size[:2]) < SMALLEST_MM:
        yield Remark("small", f"the lesion is very small ({max(size[:2]):.1f} mm)")


def _of_phases(lesions: Sequence[Lesion], there: set[str]) -> Iterator[Remark]:
    if any(measurements_from(r.facts).phases_in_order is False for r in lesions):
        yield Remark("phases", "the dynamic phases were not acquired in the usual order")
    if "t1" in there and there & set(DYNAMIC):
        yield Remark("phases", "a T1 series with contrast could not be given a phase")


def _of_classes(classes: set[int]) -> Iterator[Remark]:
    if {1, 2} <= classes:
        yield Remark("classes", "this patient has primary malignant and metastatic lesions")
    elif len(classes) > 1:
        yield Remark("classes", "this patient has benign and malignant lesions")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
