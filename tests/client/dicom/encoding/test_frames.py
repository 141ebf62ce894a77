"""A slice's own values: frame, shared groups, file; clocks in seconds; components and contrast."""

from collections.abc import Sequence

import pytest
from hepafed.client.dicom.encoding.elements import Raw
from hepafed.client.dicom.encoding.header import Header
from hepafed.client.dicom.encoding.reasons import BrokenFileError
from pydicom.datadict import tag_for_keyword

from tests.client.dicom.encoding.data_sets import ENHANCED, LEGACY, MR, elements, image, one, slices


def multi(
    frames: Sequence[dict[str, object]], shared: dict[str, object] | None = None, **top: object
) -> list[Header]:
    """Give the headers of an enhanced file of frames with these functional groups."""
    file = image(**{"SOPClassUID": ENHANCED, "NumberOfFrames": len(frames)} | top)  # type: ignore[arg-type]
    per_frame = tag_for_keyword("PerFrameFunctionalGroupsSequence") or 0
    file.items[per_frame] = [elements(**f) for f in frames]
    if shared is not None:
        common = tag_for_keyword("SharedFunctionalGroupsSequence") or 0
        file.items[common] = [elements(**shared)]
    return slices(file)


def test_a_classic_files_values_are_read_each_from_its_element() -> None:
    h = one(
        ImageType=["ORIGINAL", "PRIMARY", "M"], SequenceName="*Fl3d1_ns", ScanningSequence=["GR"],
        EchoTime=1.5, RepetitionTime=4.5, InversionTime=7.5, FlipAngle=12, EchoTrainLength=3,
        TemporalPositionIdentifier=2, TriggerTime=250.5, InstanceNumber=17,
        ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[0.5, 0.75], RescaleSlope=2, RescaleIntercept=-3,
    )  # fmt: skip
    assert h.image_type == ("ORIGINAL", "PRIMARY", "M")
    assert (h.pulse, h.scanning) == ("fl3d1 ns", ("GR",))
    assert (h.echo_time, h.repetition_time, h.inversion_time) == (1.5, 4.5, 7.5)
    assert (h.flip_angle, h.echo_train, h.temporal, h.trigger) == (12.0, 3.0, 2.0, 250.5)
    assert (h.number, h.frame) == (17, 0)
    assert h.position == (1.0, 2.0, 3.0)
    assert h.orientation == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert h.spacing == (0.5, 0.75)
    assert (h.slope, h.intercept) == (2.0, -3.0)


def test_what_a_classic_file_does_not_say_is_not_known() -> None:
    h = one()
    unknown = (h.echo_time, h.repetition_time, h.inversion_time, h.flip_angle, h.echo_train,
               h.temporal, h.trigger, h.acquired, h.injected, h.position, h.orientation,
               h.spacing, h.b_value, h.direction, h.field_strength)  # fmt: skip
    assert set(unknown) == {None}
    assert (h.component, h.weighting, h.pulse, h.scanning, h.contrast, h.isotropic) == (
        "", "", "", (), False, False,
    )  # fmt: skip
    assert (h.slope, h.intercept, h.number) == (1.0, 0.0, 0)


def test_a_slope_of_zero_is_no_slope() -> None:
    assert one(RescaleSlope=0).slope == 1.0
    assert one(RescaleSlope=-0.5).slope == -0.5


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ImagePositionPatient", [1, 2]),
        ("ImageOrientationPatient", [1, 0, 0]),
        ("PixelSpacing", [1, 1, 1]),
        ("PixelSpacing", ["x", 1]),
    ],
)
def test_a_geometry_of_another_count_is_none(keyword: str, value: list[object]) -> None:
    h = one(**{keyword: value})
    assert (h.position, h.orientation, h.spacing) == (None, None, None)


def echo(ms: float) -> dict[str, object]:
    return {"MREchoSequence": {"EffectiveEchoTime": ms}}


def test_a_frames_value_comes_before_the_shared_one_and_that_before_the_files() -> None:
    frames = [echo(1.0), {}]
    assert [h.echo_time for h in multi(frames, echo(2.0), EffectiveEchoTime=3)] == [1.0, 2.0]
    assert [h.echo_time for h in multi(frames, None, EffectiveEchoTime=3)] == [1.0, 3.0]
    assert [h.echo_time for h in multi([{}], None, EchoTime=4)] == [4.0]
    assert [h.echo_time for h in multi([echo(1.0)], None, EchoTime=4)] == [1.0]


@pytest.mark.parametrize(
    ("group", "keyword", "value", "field", "read"),
    [
        ("MRImageFrameTypeSequence", "FrameType", ["DERIVED", "ADC"], "image_type",
         ("DERIVED", "ADC")),
        ("MRImageFrameTypeSequence", "AcquisitionContrast", "T2", "weighting", "T2"),
        ("MREchoSequence", "EffectiveEchoTime", 90, "echo_time", 90.0),
        ("MRTimingAndRelatedParametersSequence", "RepetitionTime", 9, "repetition_time", 9.0),
        ("MRTimingAndRelatedParametersSequence", "FlipAngle", 9, "flip_angle", 9.0),
        ("MRTimingAndRelatedParametersSequence", "EchoTrainLength", 9, "echo_train", 9.0),
        ("MRModifierSequence", "InversionTimes", 220, "inversion_time", 220.0),
        ("FrameContentSequence", "TemporalPositionIndex", 3, "temporal", 3.0),
        ("PlanePositionSequence", "ImagePositionPatient", [1, 2, 3], "position", (1.0, 2.0, 3.0)),
        ("PlaneOrientationSequence", "ImageOrientationPatient", [1, 0, 0, 0, 1, 0], "orientation",
         (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        ("PixelMeasuresSequence", "PixelSpacing", [1, 2], "spacing", (1.0, 2.0)),
        ("PixelValueTransformationSequence", "RescaleSlope", 3, "slope", 3.0),
        ("PixelValueTransformationSequence", "RescaleIntercept", 3, "intercept", 3.0),
        ("MRDiffusionSequence", "DiffusionBValue", 800, "b_value", 800.0),
        ("MRDiffusionSequence", "DiffusionDirectionality", "ISOTROPIC", "isotropic", True),
        ("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered", "YES", "contrast", True),
        ("ContrastBolusUsageSequence", "ContrastBolusAgentAdministered", "NO", "contrast", False),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)  # fmt: skip
@pytest.mark.parametrize("shared", [False, True])
def test_each_functional_group_is_read(
    group: str, keyword: str, value: object, field: str, read: object, shared: bool
) -> None:
    groups: dict[str, object] = {group: {keyword: value}}
    (h,) = multi([{}], groups) if shared else multi([groups], {})
    assert getattr(h, field) == read


def test_frames_are_numbered_from_0_whatever_the_instance_number() -> None:
    found = multi([{}, {}, {}], None, InstanceNumber=9)
    assert [(h.frame, h.number, h.frames) for h in found] == [(0, 0, 3), (1, 1, 3), (2, 2, 3)]


@pytest.mark.parametrize("sop_class", [ENHANCED, LEGACY, MR])
def test_frames_have_their_groups_or_the_file_is_refused(sop_class: str) -> None:
    assert len(multi([{}, {}], SOPClassUID=sop_class)) == 2
    for count in (1, 3):
        with pytest.raises(BrokenFileError, match="functional groups"):
            multi([{}, {}], SOPClassUID=sop_class, NumberOfFrames=count)


@pytest.mark.parametrize("sop_class", [ENHANCED, LEGACY])
def test_an_enhanced_file_without_groups_is_refused(sop_class: str) -> None:
    with pytest.raises(BrokenFileError, match="functional groups"):
        one(SOPClassUID=sop_class)


def test_a_classic_file_has_one_frame() -> None:
    assert one(NumberOfFrames=1).frames == 1
    with pytest.raises(BrokenFileError, match="several frames"):
        one(NumberOfFrames=2)


@pytest.mark.parametrize(
    ("changes", "component"),
    [
        ({"ComplexImageComponent": "PHASE"}, "PHASE"),
        ({"ComplexImageComponent": "MIXED", "ImageType": ["O", "P", "R"]}, "MIXED"),
        ({"ImageType": ["O", "P", "P"]}, "PHASE"),
        ({"ImageType": ["O", "P", "M"]}, "MAGNITUDE"),
        ({"ImageType": ["O", "P", "X", "R"]}, "REAL"),
        ({"ImageType": ["O", "P", "I"]}, "IMAGINARY"),
        ({"ImageType": ["O", "P", "M", "PHASE MAP"]}, "PHASE"),
        ({"ImageType": ["O", "P", "PHASE_X"]}, "PHASE"),
        ({"ImageType": ["O", "P", "OUT_PHASE"]}, ""),
        ({"ImageType": ["M", "P"]}, ""),
        ({"ImageType": ["O", "R"]}, ""),
        ({"ImageType": ["O", "P", "M", "R"]}, "MAGNITUDE"),
    ],
    ids=str,
)
def test_the_component_is_stated_or_the_third_or_later_image_type(
    changes: dict[str, object], component: str
) -> None:
    assert one(**changes).component == component


@pytest.mark.parametrize(
    ("changes", "scanning"),
    [
        ({"EchoPulseSequence": "SPIN"}, ("SE",)),
        ({"EchoPulseSequence": "GRADIENT"}, ("GR",)),
        ({"EchoPulseSequence": "BOTH"}, ("SE", "GR")),
        ({"InversionRecovery": "YES"}, ("IR",)),
        ({"InversionRecovery": "NO"}, ()),
        ({"EchoPlanarPulseSequence": "YES"}, ("EP",)),
        ({"EchoPlanarPulseSequence": "NO"}, ()),
        ({"EchoPulseSequence": "SPIN", "InversionRecovery": "YES",
          "EchoPlanarPulseSequence": "YES"}, ("SE", "IR", "EP")),
        ({"ScanningSequence": ["RM", "EP"], "EchoPulseSequence": "SPIN"}, ("RM", "EP")),
    ],
    ids=str,
)  # fmt: skip
def test_the_scanning_sequence_is_stated_or_made_of_three_words(
    changes: dict[str, object], scanning: tuple[str, ...]
) -> None:
    assert one(**changes).scanning == scanning


def test_contrast_is_an_agent_a_sequence_of_agents_or_what_the_frame_says() -> None:
    assert one(ContrastBolusAgent="x").contrast
    assert one(ContrastBolusAgentSequence={}).contrast
    said = {"ContrastBolusUsageSequence": {"ContrastBolusAgentAdministered": "NO"}}
    found = multi([said, {}], None, ContrastBolusAgentSequence={})
    assert [h.contrast for h in found] == [False, True]


DAY = 86400.0


def clock(**changes: object) -> float | None:
    return one(**changes).acquired


def test_the_clock_is_in_seconds_of_one_calendar() -> None:
    first = clock(AcquisitionDate="20240228", AcquisitionTime="235959.5")
    assert first is not None
    assert clock(AcquisitionDate="20240228", AcquisitionTime="22") == first - 7199.5
    assert clock(AcquisitionDate="20240229", AcquisitionTime="000000") == first + 0.5
    assert clock(AcquisitionDate="20240301", AcquisitionTime="000000") == first + 0.5 + DAY


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("010203", 3723.0),
        ("010203.25", 3723.25),
        ("0102", 3720.0),
        ("01", 3600.0),
        ("1", None),
        ("", None),
        ("xx", None),
    ],
)
def test_a_time_of_day_may_be_short(time: str, seconds: float | None) -> None:
    assert clock(AcquisitionTime=time) == seconds


@pytest.mark.parametrize("day", ["2024", "20241301", "abcdefgh"])
def test_a_day_that_is_none_counts_as_no_day(day: str) -> None:
    assert clock(AcquisitionDate=day, AcquisitionTime="010203") == 3723.0


def test_the_clock_is_the_frames_then_the_acquisitions_then_the_contents() -> None:
    times: dict[str, object] = {
        "FrameAcquisitionDateTime": "20240101000001",
        "AcquisitionDateTime": "20240101000002.5",
        "AcquisitionTime": "000003",
        "ContentTime": "000004",
        "AcquisitionDate": "20240101",
        "ContentDate": "20240102",
    }
    zero = clock(AcquisitionDate="20240101", AcquisitionTime="000000")
    assert zero is not None
    told = []
    while "ContentTime" in times:
        told.append((clock(**times) or 0.0) - zero)
        del times[next(iter(times))]
    assert told == [1.0, 2.5, 3.0, 4.0]
    assert clock(ContentDate="20240102", ContentTime="000004") == zero + DAY + 4
    assert (
        clock(ContentDate="20240102", AcquisitionDate="20240101", ContentTime="01") == zero + 3600
    )


def test_a_frames_own_clock_is_read_from_its_content() -> None:
    frames = [
        {"FrameContentSequence": {"FrameAcquisitionDateTime": f"202401010000{s:02d}"}}
        for s in (7, 3)
    ]
    first, second = (h.acquired or 0.0 for h in multi(frames))
    assert first - second == 4.0


def test_the_injection_is_on_the_clock_of_the_acquisition() -> None:
    h = one(AcquisitionDate="20240101", AcquisitionTime="120100", ContrastBolusStartTime="120030")
    assert h.acquired is not None
    assert h.injected is not None
    assert h.acquired - h.injected == 30.0
    assert one(AcquisitionDate="20240101").injected is None
    by_content = one(ContentDate="20240101", ContrastBolusStartTime="120030")
    assert by_content.injected == h.injected


def test_a_vendors_scale_slope_is_the_files() -> None:
    top = image()
    top.private = {
        0x20050010: Raw("LO", b"Philips MR Imaging DD 001"), 0x2005100E: Raw("DS", b"0.25"),
    }  # fmt: skip
    assert [h.scale_slope for h in slices(top)] == [0.25]


def test_a_frames_groups_are_used_for_diffusion_before_the_shared_ones() -> None:
    def b(value: float) -> dict[str, object]:
        return {"MRDiffusionSequence": {"DiffusionBValue": value}}

    found = multi([b(50), {}], b(800), DiffusionBValue=7)
    assert [h.b_value for h in found] == [50.0, 800.0]
