"""A strip shows each slice in its place and in the same grey; the frame lies where the box lay."""

import base64
import io
import re

import numpy as np
import pytest
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.records import Lesion
from hepafed.client.quality.pictures import frame, slice_names, strip, strips
from numpy.typing import NDArray
from PIL import Image


def decoded(uri: str) -> NDArray[np.float32]:
    head, _, content = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))), np.float32)


def row(sequences: str = "t2", slices: int = 3, facts: str = "") -> Lesion:
    return Lesion("a", "p", "e", 0, sequences, slices, "x", facts)


def test_the_slices_stand_one_below_the_other_each_with_its_own_content() -> None:
    slices = np.zeros((3, 160, 160), np.float16)
    slices[0, 10:40, 100:150] = 1  # rows 7 to 28 of 112, columns 70 to 105
    slices[2, 120:150, 20:60] = 1  # rows 84 to 105, columns 14 to 42
    found = decoded(strip(slices))
    assert found.shape == (336, 112)
    assert found[9:26, 72:103].min() > 220
    assert found[2 * 112 + 86 : 2 * 112 + 103, 16:40].min() > 220
    assert found[112:224].max() < 30
    assert found[:112, :60].max() < 30


def test_the_same_intensity_has_the_same_grey_in_every_slice() -> None:
    slices = np.zeros((3, 160, 160), np.float16)
    slices[:, 60:100, 60:100] = np.array([1, 2, 4], np.float16)[:, None, None]
    found = decoded(strip(slices))
    greys = [found[112 * n + 56, 56] for n in range(3)]
    assert greys == pytest.approx([64, 128, 255], abs=6)


def test_a_sequence_of_one_value_gives_a_picture_all_the_same() -> None:
    assert decoded(strip(np.full((1, 160, 160), 2.5, np.float16))).shape == (112, 112)


def test_sequences_are_in_the_order_of_their_phases_with_their_own_pictures() -> None:
    voxels = np.zeros((3, 1, 160, 160), np.float16)
    for n in range(3):  # portal: left third bright; t2: middle; arterial: right
        voxels[n, 0, :, 53 * n : 53 * n + 53] = 1
    found = strips(row("portal,t2,arterial", 1), voxels)
    assert [s for s, _ in found] == ["t2", "arterial", "portal"]
    brightest = [int(decoded(uri)[56].reshape(8, 14).mean(axis=1).argmax()) for _, uri in found]
    assert [b * 3 // 8 for b in brightest] == [1, 2, 0]


@pytest.mark.parametrize(
    ("size", "box"),
    [
        # longest 50 mm: the crop is 80 mm wide, 1.4 pixels a mm
        ((50.0, 30.0, 12.0), (21.0, 35.0, 70.0, 42.0)),
        ((20.0, 50.0, 90.0), (42.0, 21.0, 28.0, 70.0)),
        # 10 mm: the crop is the least, 30 mm
        ((10.0, 6.0, 5.0), (37.3, 44.8, 37.3, 22.4)),
    ],
)
def test_the_frame_is_the_box_in_the_middle_of_the_crop(
    size: tuple[float, ...], box: tuple[float, ...]
) -> None:
    uri = frame(row(facts=Measurements("box", size).text()))
    svg = base64.b64decode(uri.partition(",")[2]).decode()
    place = re.search(r'<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', svg)
    assert place is not None
    assert [float(v) for v in place.groups()] == pytest.approx(box, abs=0.06)


def test_without_a_known_box_there_is_no_frame() -> None:
    assert frame(row()) == ""


def test_the_centre_is_named_where_it_is_known() -> None:
    assert slice_names(1) == ("centre",)
    assert slice_names(2) == ("slice 1", "slice 2")
    assert slice_names(3) == ("before", "centre", "after")
