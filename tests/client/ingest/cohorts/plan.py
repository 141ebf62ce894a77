"""A small examination of the phantom as a scanner would export it, and what each slice truly is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hepafed.deploy.demo.anatomy import Floats, Grid
from hepafed.deploy.demo.dialects import DIALECTS, Weighting
from hepafed.deploy.demo.series import Mark, Series, Study, dynamic_marks, prescribed
from hepafed.deploy.demo.slices import SliceRecord, slices_of

PHASES = ("t1-pre", "arterial", "portal", "delayed")
STARTS = (600, 660, 705, 840)
"""Seconds after the study's start; contrast is given 25 s before the arterial phase."""
LATE = 1860
ONE_IMAGE = 20.0
"""Seconds for one weighting of a diffusion series."""
INJECTED = 635
DYNAMICS = {
    "siemens": ("series", "times"),
    "ge": ("series", "times", "triggers"),
    "philips": ("series", "times", "both", "restart"),
    "uih": ("series", "times"),
    "canon": ("series", "times"),
}
"""How each manufacturer's dynamic is laid out (see `dynamic_marks`)."""
DIFFUSIONS = ("joint", "separate", "directions", "directions-and-traces")
ALONG = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
B_VALUES = ((50.0, 800.0), (0.0, 50.0, 800.0), (50.0, 400.0, 800.0), (0.0, 1000.0))
EXTRAS = ("adc", "coronal", "dixon", "dual", "hepatobiliary", "localizer", "subtraction")
TRACE_OR_MEAN = "the trace images or all directions"
SHAPES = {
    "t2": ((6, 9, 8), (7.0, 4.0, 4.5), (8.0, -11.0, 5.0)),
    "t2-coronal": ((9, 9, 8), (8.0, 4.0, 4.5), (98.0, -4.0, 5.0)),
    "dwi": ((7, 8, 7), (6.0, 5.0, 5.0), (2.0, 3.0, 0.0)),
    "t1": ((6, 8, 9), (6.0, 4.0, 4.0), (0.0, 0.0, 1.0)),
    "localizer": ((3, 8, 8), (20.0, 9.0, 9.0), (0.0, 0.0, 0.0)),
}
"""Slices, rows and columns; spacing in mm; tilt in degrees."""


@dataclass(frozen=True)
class Plan:
    """Which scanner, and how the examination is laid out."""

    vendor: str = "siemens"
    chinese: bool = False
    dynamic: str = "series"
    diffusion: str = "joint"
    b_values: tuple[float, ...] = (50.0, 800.0)
    extras: frozenset[str] = frozenset()
    """Of `EXTRAS`: what the examination has besides T2, DWI and the dynamic."""
    named: bool = True
    """The labels name the T2 series."""


@dataclass(frozen=True)
class Slice:
    """One slice of the export, and what it truly is."""

    record: SliceRecord
    vendor: str
    weighting: Weighting | None
    stack: str
    """The stack that it belongs to, in words."""
    channel: str
    """The channel that the stack may be used for; empty: none."""
    pixels: Floats

    @property
    def instance(self) -> str:
        """Return the SOPInstanceUID."""
        return str(self.record.attributes["SOPInstanceUID"])

    def stating(self, **values: object) -> "Slice":
        """Return the slice with attributes changed; None takes one away."""
        merged = {**self.record.attributes, **values}
        kept = {k: v for k, v in merged.items() if v is not None}
        return replace(self, record=replace(self.record, attributes=kept))

    def without_private(self) -> "Slice":
        """Return the slice without its manufacturer's elements."""
        return replace(self, record=replace(self.record, private=()))


@dataclass(frozen=True)
class Acquired:
    """A series, and for each of its images what it truly is."""

    series: Series
    truth: tuple[tuple[str, str], ...]
    """Stack and channel of each image."""


def study_of(plan: Plan) -> Study:
    """Return the study that begins at ten o'clock."""
    return Study(
        "P1", "Phantom^One", "19500101", "F", "20240102", 36000, "2.25.11", "2.25.12",
        np.array([12.0, -9.0, 40.0]), 3.0, plan.chinese,
    )  # fmt: skip


def examination(plan: Plan) -> list[Slice]:
    """Return every slice of the examination, in the scanner's order."""
    dialect, study = DIALECTS[plan.vendor], study_of(plan)
    made = []
    for acquired in _series(plan):
        series = acquired.series
        for record in slices_of(dialect, study, series):
            stack, channel = acquired.truth[record.image]
            b, mark = series.images[record.image][0], series.mark(record.image)
            weighting = None if b is None else Weighting(b, mark.direction, mark.number)
            pixels = series.images[record.image][1][record.place]
            made.append(Slice(record, plan.vendor, weighting, stack, channel, pixels))
    return made


def _series(plan: Plan) -> Iterator[Acquired]:
    """Yield the series in the order of a day at the scanner."""
    scan = _Scanner(plan)
    if "localizer" in plan.extras:
        yield scan.one("localizer", 1, 0, ("localizer", ""))
    if "coronal" in plan.extras:
        yield scan.one("t2-coronal", 2, 40, ("coronal T2", ""))
    yield scan.one("t2", 3, 90, ("T2", "t2"))
    yield from scan.diffusion()
    if "dual" in plan.extras:
        yield scan.dual()
    if "dixon" in plan.extras:
        yield from scan.dixon()
    yield from scan.dynamic()
    if "subtraction" in plan.extras:
        yield scan.one("subtraction", 25, STARTS[1], ("subtraction", ""))
    if "hepatobiliary" in plan.extras:
        late = ("hepatobiliary", "hepatobiliary")
        yield scan.one("hepatobiliary", 26, LATE, late, contrast=True)


class _Scanner:
    """Acquires series with a grey level for each image, by which it is known again."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.dialect, self.level = plan, DIALECTS[plan.vendor], 100.0

    def image(self, grid: Grid) -> Floats:
        """Return a body of one level in air, with a bright ball in it."""
        self.level += 60.0
        points = grid.points()
        body = np.sum(np.square(points / np.float32(20)), axis=0) < 1
        ball = np.sum(np.square(points / np.float32(8)), axis=0) < 1
        return (self.level * (body + 0.8 * ball) + points[0] % 7).clip(0).astype(np.float32)

    def grid(self, name: str) -> Grid:
        shape, spacing, tilt = (
            SHAPES.get(name) or SHAPES["dwi" if name.startswith(("dwi", "adc")) else "t1"]
        )
        return Grid.centred(shape, spacing, tilt, (0.0, 0.0, 0.0))

    def many(
        self,
        name: str,
        number: int,
        seconds: int,
        truth: Sequence[tuple[str, str]],
        b_values: Sequence[float | None],
        marks: Sequence[Mark] = (),
        **more: object,
    ) -> Acquired:
        grid = self.grid(name)
        images = tuple((b, self.image(grid)) for b in b_values)
        thick = 0.8 * grid.spacing[0]
        made = prescribed(
            self.dialect, name, number, seconds, thick, grid, images, marks=tuple(marks), **more
        )
        return Acquired(made, tuple(truth))

    def one(
        self, name: str, number: int, seconds: int, truth: tuple[str, str], **more: object
    ) -> Acquired:
        return self.many(name, number, seconds, [truth], [None], **more)

    def diffusion(self) -> Iterator[Acquired]:
        """Yield the diffusion series; the DWI channel is the highest b-value."""
        bs = self.plan.b_values
        if self.plan.diffusion == "separate":
            for n, b in enumerate(bs):
                name = "dwi-high" if b == max(bs) else "dwi-low"
                yield self.many(name, 4 + n, 240 + 60 * n, [self._weighted(b, "trace")], [b])
        elif self.plan.diffusion == "joint":
            marks = [Mark(seconds=ONE_IMAGE * n) for n in range(len(bs))]
            yield self.many("dwi", 4, 240, [self._weighted(b, "trace") for b in bs], bs, marks)
        else:
            pairs = [(b, n) for b in bs for n in (range(1, 4) if b else (0,))]
            marks = [
                Mark(direction=ALONG[n - 1] if n else None, number=n, seconds=ONE_IMAGE * k)
                for k, (_, n) in enumerate(pairs)
            ]
            truth = [self._weighted(b, f"direction {n}" if n else "trace") for b, n in pairs]
            yield self.many("dwi", 4, 240, truth, [b for b, _ in pairs], marks)
            if self.plan.diffusion == "directions-and-traces":
                traces = [b for b in bs if b]
                yield self.many("dwi", 5, 240, [self._weighted(b, "trace") for b in traces], traces)
        if "adc" in self.plan.extras:
            yield self.one("adc", 9, 240, ("ADC", "adc"))

    def _weighted(self, b: float, kind: str) -> tuple[str, str]:
        return f"b {b:g} {kind}", "dwi" if b == max(self.plan.b_values) else ""

    def dual(self) -> Acquired:
        """Return a dual echo at 3 T: 1.15 ms is opposed, 2.3 ms in phase."""
        marks = (Mark(echo_time=1.15), Mark(echo_time=2.3))
        truth = [("opposed phase", ""), ("in phase", "")]
        return self.many("dual", 10, 420, truth, [None, None], marks)

    def dixon(self) -> Iterator[Acquired]:
        """Yield the four parts of a Dixon before contrast; Philips keeps them in one series."""
        parts = ("water", "fat", "in-phase", "opposed-phase")
        truth = [(f"Dixon {p}", "t1-pre" if p == "water" else "") for p in parts]
        if self.plan.vendor == "philips":
            marks = [Mark(part=p) for p in parts]
            yield self.many("dixon", 11, 500, truth, [None] * 4, marks)
        else:
            for n, (part, said) in enumerate(zip(parts, truth, strict=True)):
                yield self.one("dixon", 11 + n, 500, said, marks=(Mark(part=part),))

    def dynamic(self) -> Iterator[Acquired]:
        """Yield the dynamic: a series a phase, or all phases in one."""
        truth = [(phase, phase) for phase in PHASES]
        if self.plan.dynamic == "series":
            for n, (phase, start) in enumerate(zip(PHASES, STARTS, strict=True), 1):
                yield self.one(
                    phase, 15 + n, start, (phase, phase), phase=n, contrast=phase != "t1-pre"
                )
        else:
            marks = dynamic_marks(self.plan.dynamic, [s - STARTS[0] for s in STARTS])
            yield self.many("dynamic", 16, STARTS[0], truth, [None] * 4, marks, contrast=True)
