"""What a hostile site states of its cohort is refused by name; an older site states nothing."""

import json
from dataclasses import replace

import pytest
from hepafed.common.contract import CohortOrigin, LeftOut
from hepafed.common.contract.messages import SiteSummary, pack, unpack
from hepafed.common.disclosure.summaries import summarise
from hepafed.common.errors import DataError
from hepafed.server.pooling.check import check_summary

from tests.server.federation import table_of


def summary(origin: CohortOrigin | None, minimum: int = 5) -> SiteSummary:
    made = summarise(
        table_of("a", 3, 60), run="r", model="m", weights="", threshold=0.5, minimum_count=minimum
    )
    return replace(made, origin=origin)


def left(reason: str, patients: int | None, lesions: int | None) -> LeftOut:
    return LeftOut(reason=reason, patients=patients, lesions=lesions)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        CohortOrigin(sources=()),
        CohortOrigin(sources=("dicom", "key-images")),
        CohortOrigin(
            sources=("lld-mmri",),
            left_out=(left("unreadable", 0, 5), left("excluded", None, None)),
        ),
        CohortOrigin(sources=("dicom",), left_out=(left("no_sequence", 5, 10**8),)),
    ],
)
def test_what_can_be_is_taken(origin: CohortOrigin | None) -> None:
    check_summary("a", summary(origin))


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (CohortOrigin(sources=("brains",)), "unknown source"),
        (CohortOrigin(sources=("dicom", "dicom")), "unknown source"),
        (CohortOrigin(sources=(), left_out=(left("<b>", 9, 9),)), "unknown reason"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 9, 9),) * 2), "unknown reason"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 9, None),)), "half of a count"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 9, 8),)), "impossible counts"),
        (CohortOrigin(sources=(), left_out=(left("excluded", -9, 8),)), "impossible counts"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 9, 10**8 + 1),)), "impossible"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 4, 9),)), "below its minimum"),
        (CohortOrigin(sources=(), left_out=(left("excluded", 0, 4),)), "below its minimum"),
    ],
)
def test_what_cannot_be_is_refused_with_the_sites_name(origin: CohortOrigin, why: str) -> None:
    with pytest.raises(DataError, match=f"^a .*{why}"):
        check_summary("a", summary(origin))


def test_an_origin_goes_over_the_wire_and_an_older_sites_message_has_none() -> None:
    origin = CohortOrigin(sources=("dicom",), left_out=(left("excluded", 7, 8),))
    text = pack(summary(origin))
    assert unpack(text) == summary(origin)
    values = json.loads(text)
    del values["body"]["origin"]
    found = unpack(json.dumps(values))
    assert isinstance(found, SiteSummary)
    assert found.origin is None
