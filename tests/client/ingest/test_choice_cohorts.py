"""Random exports of the phantom: each channel is the right stack, or it is left out.

What a slice truly is, the generator knows (`cohorts/`). `make cohorts DRAWS=2000 SEED=1` tries
more of them.
"""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hepafed.client.dicom.encoding import Header, read_headers

from tests.client.ingest.cohorts.draws import Draw, draw
from tests.client.ingest.cohorts.files import write_export
from tests.client.ingest.cohorts.mended import MENDED
from tests.client.ingest.cohorts.plan import DIFFUSIONS, DYNAMICS, EXTRAS, Plan, examination
from tests.client.ingest.cohorts.reading import header_of, judge

DRAWS = 60
OF_A_FILE = {"path", "pixel_offset"}
"""Fields of a header that a slice without a file cannot have."""


def test_no_channel_of_a_random_export_is_a_wrong_stack() -> None:
    drawn = (draw(1, n) for n in range(DRAWS))
    wrong = {d.text(): v.wrong for d in drawn if (v := d.verdict()).wrong}
    assert wrong == {}


@pytest.mark.parametrize("export", [pytest.param(d, id=why) for why, d in MENDED])
def test_no_channel_of_an_export_that_was_misread_once_is_a_wrong_stack(export: Draw) -> None:
    assert export.verdict().wrong == {}


LAYOUTS = [(v, d) for v in DYNAMICS for d in DYNAMICS[v] if d != "both"]


@pytest.mark.parametrize("diffusion", DIFFUSIONS)
@pytest.mark.parametrize(("vendor", "dynamic"), LAYOUTS)
def test_every_channel_of_an_export_without_troubles_is_found(
    vendor: str, dynamic: str, diffusion: str
) -> None:
    plan = Plan(
        vendor, chinese=vendor == "uih", dynamic=dynamic, diffusion=diffusion,
        extras=frozenset({"adc", "coronal", "hepatobiliary", "localizer", "subtraction"}),
    )  # fmt: skip
    verdict = judge(examination(plan), plan)
    assert (verdict.right, verdict.wrong) == (verdict.there, {})


def test_a_stack_in_the_place_of_another_is_noticed() -> None:
    other = {"arterial": "portal", "portal": "arterial"}
    slices = [replace(s, channel=other.get(s.channel, s.channel)) for s in examination(Plan())]
    assert set(judge(slices, Plan()).wrong) == {"arterial", "portal"}


def test_a_part_of_a_stack_in_the_place_of_the_whole_is_noticed() -> None:
    slices = examination(Plan())
    first = next(s for s in slices if s.stack == "portal")
    hidden = [replace(s, stack="another") if s is first else s for s in slices]
    assert set(judge(hidden, Plan()).wrong) == {"portal"}


@pytest.mark.parametrize("vendor", DYNAMICS)
def test_a_slice_is_read_as_its_file_is(tmp_path: Path, vendor: str) -> None:
    """The headers of the draws are made without files, for speed."""
    plan = Plan(vendor, chinese=True, diffusion="directions", extras=frozenset(EXTRAS))
    slices = examination(plan)
    write_export(tmp_path / "export", slices, plan)
    for n, s in enumerate(slices):
        (found,) = read_headers(tmp_path / "export" / f"{n:06d}", f"{n:06d}")
        assert stated(header_of(s, f"{n:06d}")) == stated(found)


def stated(h: Header | None) -> dict[str, object]:
    return {f.name: getattr(h, f.name) for f in fields(Header) if f.name not in OF_A_FILE}
