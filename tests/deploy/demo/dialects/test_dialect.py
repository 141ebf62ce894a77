"""Every dialect states the same examination: what the product reads of it does not differ."""

from pathlib import Path

import pytest
from hepafed.deploy.demo.dialects import DIALECTS, family_of
from hepafed.deploy.demo.series import Mark

from tests.deploy.demo.series import headers, written

VENDORS = pytest.mark.parametrize("vendor", DIALECTS)
ALONG = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@VENDORS
def test_every_series_has_a_name_in_both_languages_and_settings(vendor: str) -> None:
    dialect = DIALECTS[vendor]
    assert set(dialect.english) == set(dialect.chinese)
    assert {family_of(name) for name in dialect.english} == set(dialect.settings)
    assert all(text.isascii() for text in dialect.english.values())
    assert [n for n, text in dialect.chinese.items() if text.isascii()] == []


@VENDORS
def test_the_b_values_of_trace_images_are_read_as_they_were_acquired(
    tmp_path: Path, vendor: str
) -> None:
    written(tmp_path, DIALECTS[vendor], "dwi", (50.0, 400.0, 800.0))
    found = headers(tmp_path)
    assert sorted(h.b_value or 0 for h in found) == [50.0] * 4 + [400.0] * 4 + [800.0] * 4
    assert all(h.direction is None for h in found)


@VENDORS
def test_the_directions_of_a_b_value_are_read_as_they_were_acquired(
    tmp_path: Path, vendor: str
) -> None:
    marks = (Mark(), *(Mark(direction=way, number=n) for n, way in enumerate(ALONG, 1)))
    written(tmp_path, DIALECTS[vendor], "dwi", (0.0, 800.0, 800.0, 800.0), marks)
    found = headers(tmp_path)
    assert [h.b_value or 0 for h in found].count(0) == 4
    ways = [h.direction for h in found if h.b_value]
    assert sorted(w for w in ways if w) == sorted(ALONG * 4)
    assert not any(h.isotropic for h in found)


@VENDORS
def test_chinese_descriptions_are_written_in_the_stated_character_set(
    tmp_path: Path, vendor: str
) -> None:
    dialect = DIALECTS[vendor]
    files = written(tmp_path, dialect, "portal", chinese=True)
    assert {f.SeriesDescription for f in files} == {dialect.chinese["portal"]}
    assert {f.SpecificCharacterSet for f in files} == {dialect.character_set}


@VENDORS
def test_the_parts_of_a_dixon_are_told_apart(tmp_path: Path, vendor: str) -> None:
    parts = ("water", "fat", "in-phase", "opposed-phase")
    marks = tuple(Mark(part=p) for p in parts)
    files = written(tmp_path, DIALECTS[vendor], "dixon", (None,) * 4, marks)
    assert len({(str(f.ImageType), f.SeriesDescription) for f in files}) == 4


@VENDORS
def test_contrast_is_stated_where_it_was_given(tmp_path: Path, vendor: str) -> None:
    for name, given in (("t1-pre", False), ("portal", True)):
        files = written(tmp_path / name, DIALECTS[vendor], name, contrast=given)
        stated = {DIALECTS[vendor].agent} if given else {""}
        assert {f.get("ContrastBolusAgent", "") for f in files} == stated
