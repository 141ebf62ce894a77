"""Which objects are MR images, and what is said of the others."""

import pytest
from hepafed.client.dicom.encoding.kinds import judge_class, judge_kind
from hepafed.client.dicom.encoding.reasons import (
    BrokenFileError,
    FileOutcome,
    SetAsideError,
    outcome_of,
)
from hepafed.common.errors import DicomError

from tests.client.dicom.encoding.data_sets import ENHANCED, LEGACY, MR, elements, image

OTHERS = {
    "1.2.840.10008.1.3.10": "a directory of files (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.7.4": "a secondary capture",
    "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
    "1.2.840.10008.5.1.4.1.1.4.3": "a colour MR image",
    "1.2.840.10008.5.1.4.1.1.11.1": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.66.1": "raw data",
    "1.2.840.10008.5.1.4.1.1.88.33": "a structured report",
    "1.2.840.10008.5.1.4.1.1.481.3": "a structure set: a label, not an image",
    "1.2.840.10008.5.1.4.1.1.104.1": "an encapsulated document",
    "1.2.840.10008.5.1.4.1.1.2": "another kind of object",
    "1.2.840.10008.5.1.4.1.1.481.2": "another kind of object",
    "1.2.840.10008.5.1.4.1.1.4.9": "another kind of object",
    "1.2.840.10008.5.1.4.1.1.40": "another kind of object",
    "": "another kind of object",
}


@pytest.mark.parametrize("sop_class", OTHERS)
def test_an_object_that_is_no_mr_image_is_set_aside_by_name(sop_class: str) -> None:
    with pytest.raises(SetAsideError) as caught:
        judge_class(sop_class)
    assert caught.value.message == f"not an MR image: {OTHERS[sop_class]}"


@pytest.mark.parametrize("sop_class", [MR, ENHANCED, LEGACY])
def test_the_three_kinds_of_mr_image_are_taken(sop_class: str) -> None:
    judge_class(sop_class)
    judge_kind(elements(), image(SOPClassUID=sop_class))


def test_the_kind_may_stand_in_the_meta_group_alone() -> None:
    judge_kind(elements(MediaStorageSOPClassUID=MR), image(SOPClassUID=None))
    with pytest.raises(SetAsideError, match="secondary capture"):
        judge_kind(
            elements(MediaStorageSOPClassUID=MR), image(SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
        )


def test_an_mr_image_of_no_stated_kind_is_refused() -> None:
    with pytest.raises(BrokenFileError, match="SOP class"):
        judge_kind(elements(), image(SOPClassUID=None))
    with pytest.raises(SetAsideError, match="another kind"):
        judge_kind(elements(), image(SOPClassUID=None, Modality="CT"))
    without = image(SOPClassUID=None)
    without.pixel_tag = 0
    with pytest.raises(SetAsideError, match="another kind"):
        judge_kind(elements(), without)


@pytest.mark.parametrize("modality", ["CT", "", "mr"])
def test_the_modality_is_mr(modality: str) -> None:
    with pytest.raises(SetAsideError, match="modality"):
        judge_kind(elements(), image(Modality=modality))


def test_burned_in_text_is_refused_and_a_stated_no_is_not() -> None:
    judge_kind(elements(), image(BurnedInAnnotation="NO"))
    with pytest.raises(BrokenFileError, match="burned"):
        judge_kind(elements(), image(BurnedInAnnotation="YES"))


def test_an_image_without_pixels_is_refused() -> None:
    without = image()
    without.pixel_tag = 0
    with pytest.raises(BrokenFileError, match="without pixels"):
        judge_kind(elements(), without)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SetAsideError("why"), "set-aside"),
        (BrokenFileError("why"), "refused"),
        (DicomError("why"), "refused"),
    ],
    ids=["set aside", "broken", "any other"],
)
def test_an_error_is_an_outcome_with_its_reason(error: DicomError, outcome: str) -> None:
    assert outcome_of("x", error) == FileOutcome("x", outcome, "why")
