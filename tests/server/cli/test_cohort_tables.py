"""The tables of a survey show a withheld count as withheld, and a table's own words alone."""

from hepafed.common.contract.figures import Spacing
from hepafed.common.contract.messages import CohortSummary
from hepafed.common.records import write_record
from hepafed.server.cli.cohort_tables import survey_tables

SUMMARY = CohortSummary(
    run="", minimum_count=5, patients=40, lesions=52,
    by_class={"benign": 20, "primary_malignant": 12, "metastatic": 8},
    by_split={"train": 28, "tune": None, "test": None}, by_protocol={"t2": 40, "t2-dwi": 33},
    by_field_strength={"1.5 T": None, "3 T": None},
    spacing=(Spacing(sequence="t2", between_slices=(5.0, 5.0, 6.0), in_plane=(1.0, 1.1, 1.2)),),
)  # fmt: skip


def test_a_withheld_count_is_shown_as_withheld() -> None:
    tables = dict(survey_tables({"sites": {"a": write_record(SUMMARY)}, "missing": {}}))
    assert tables["split", "train", "tune", "test"] == [("a", "28", "–", "–")]
    assert tables["protocol", "t2", "t2-dwi"] == [("a", "40", "33")]
