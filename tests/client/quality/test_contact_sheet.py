"""The page shows every lesion and says what is odd, and names nobody."""

import base64
import hashlib
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.consistency import ExaminationLine, consistency
from hepafed.client.quality.contact_sheet import contact_sheet
from hepafed.common.contract.vocabulary import PROTOCOLS
from PIL import Image

Make = Callable[..., Cohort]
SIZE = (30.0, 32.0, 25.0)


class Page(HTMLParser):
    """Collects tags and what they load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self.images.append(values)
        self.loads += [v or "" for k, v in values.items() if k in ("src", "href", "srcset")]
        if tag not in ("img", "meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def lines(store: Cohort) -> list[ExaminationLine]:
    return consistency(store.rows(), store.acquisitions(), store.splits())


def test_every_sequence_of_every_lesion_is_a_picture_inside_the_page(cohort: Make) -> None:
    store = cohort(9)
    page = Page(contact_sheet(store))
    assert not page.open
    assert len(page.images) == 18
    assert all(load.startswith("data:image/jpeg;base64,") for load in page.loads)
    alts = {i["alt"] for i in page.images}
    assert {f"{s} of lesion {k:04x}" for k in range(9) for s in ("t2", "dwi")} == alts


def test_a_picture_is_the_slices_of_the_lesion_s_crop(cohort: Make) -> None:
    store = cohort(1, sequences=("t2",))
    (image,) = Page(contact_sheet(store)).images
    source = str(image["src"]).partition(",")[2]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(source))), np.float32)
    (row,) = store.rows()
    crop = store.voxels(row)[0, 1].astype(np.float32)
    small = np.asarray(Image.fromarray(crop).resize((112, 112), Image.Resampling.BOX))
    assert shown.shape == (3 * 112, 112)
    assert image["height"] == "336"
    for n in range(3):
        tile = shown[112 * n : 112 * (n + 1)]
        assert np.corrcoef(tile.ravel(), small.ravel())[0, 1] > 0.98


def test_labels_splits_and_pseudonyms_are_on_the_page(cohort: Make) -> None:
    store = cohort(12)
    text = contact_sheet(store)
    for row in store.rows():
        assert row.lesion in text
        assert row.patient in text
    for word in ("benign", "primary-malignant", "metastatic", *set(store.splits().values())):
        assert word in text
    assert "siemens 3 T" in text


def test_pictures_of_a_large_cohort_are_bounded_and_the_page_says_so(cohort: Make) -> None:
    bad = {5: Measurements("box", SIZE, in_body=0.1, in_field=1.0)}
    text = contact_sheet(cohort(9, facts=bad), most_pictured=2)
    words = " ".join(text.split())
    assert "pictures of 2 lesions, the most doubtful ones. 7 lesions are listed without" in words
    pictured = {re.findall(r"\w+$", str(i["alt"]))[0] for i in Page(text).images}
    assert len(pictured) == 2
    assert "0005" in pictured


@pytest.mark.parametrize(
    ("facts", "remark"),
    [
        (Measurements("box", SIZE, in_body=0.3, in_field=1.0), "70 % of it lies outside the body"),
        (
            Measurements("box", SIZE, in_body=1.0, in_field=0.5),
            "50 % of it lies outside a sequence",
        ),
        (Measurements("box", (300.0, 20.0, 20.0)), "the box is longer than a liver (300 mm)"),
        (Measurements("box", (200.0, 200.0, 200.0)), "the lesion is larger than a liver (4189 ml)"),
        (Measurements("mask", (2.0, 2.0, 5.0)), "the lesion is very small (2.0 mm)"),
        (Measurements("box", SIZE, apart=45.2), "are 45 mm apart"),
        (Measurements("box", SIZE, phases_in_order=False), "not acquired in the usual order"),
    ],
)
def test_what_is_suspicious_is_said_and_comes_first(
    cohort: Make, facts: Measurements, remark: str
) -> None:
    first, *others = lines(cohort(7, facts={4: facts}))
    assert first.examination == "e4"
    assert remark in " ".join([*first.remarks, *first.lesions[0].remarks])
    assert not any(e.suspicious for e in others)


@pytest.mark.parametrize(
    ("labels", "remark"),
    [((1, 2), "primary malignant and metastatic"), ((0, 1), "benign and malignant"), ((1, 1), "")],
)
def test_lesions_of_one_patient_that_differ_in_class_are_named(
    cohort: Make, labels: tuple[int, int], remark: str
) -> None:
    store = cohort(2, labels=dict(enumerate(labels)), patients={0: "p", 1: "p"})
    for line in lines(store):
        assert " ".join(line.remarks) == (f"this patient has {remark} lesions" if remark else "")


def test_the_sequences_that_a_protocol_lacks_are_listed(cohort: Make) -> None:
    (line,) = lines(cohort(1, sequences=("t2", "dwi", "portal")))
    assert line.found == ("t2", "dwi", "portal")
    assert dict(line.missing) == {
        p: tuple(s for s in q if s not in ("t2", "dwi", "portal")) for p, q in PROTOCOLS.items()
    }


def test_a_finding_of_quality_control_stands_at_its_examination(cohort: Make) -> None:
    store = cohort(12, changes={3: {"between_slices": 14.0}})
    text = contact_sheet(store)
    first = text.partition("<article")[2].partition("</article>")[0]
    assert "e3" in first
    assert "distance between slices, mm: 14; typical here: 5" in first


def test_text_from_the_store_is_escaped_and_the_page_s_script_is_its_own(cohort: Make) -> None:
    store = cohort(2, changes={0: {"manufacturer": "<script>x</script>"}})
    store.exclude({"0001": "<script>y</script>"})
    text = contact_sheet(store)
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "&lt;script&gt;x" in text
    assert "&lt;script&gt;y" in text


def test_an_excluded_lesion_is_shown_apart_and_counted_nowhere_else(cohort: Make) -> None:
    store = cohort(5)
    store.exclude({"0003": "wrong phase"})
    text = contact_sheet(store)
    main, _, apart = text.partition("<h2>Excluded lesions</h2>")
    assert "4 patients, 4 lesions" in main
    assert "0003" not in main
    assert "of patient <code>00000000000000000003</code>; reason: wrong phase" in apart
    assert {i["alt"] for i in Page(text).images} == {
        f"{s} of lesion {k:04x}" for k in range(5) for s in ("t2", "dwi")
    }
    assert re.findall(r'name="include" value="(\w+)"', text) == ["0003"]
    assert len(re.findall(r'name="exclude" value="(\w+)"', text)) == 4


def test_the_most_doubtful_lesion_of_an_examination_and_of_the_cohort_is_first(
    cohort: Make,
) -> None:
    facts = {
        2: Measurements("mask", (3.0, 3.0, 5.0), 1.0, 1.0),  # weak: very small
        4: Measurements("box", SIZE, 1.0, 0.5),  # medium: outside a sequence's image
        6: Measurements("box", SIZE, 0.1, 1.0),  # strong: outside the body
    }
    found = lines(cohort(9, facts=facts))
    assert [e.examination for e in found][:5] == ["e6", "e4", "e2", "e0", "e1"]
    assert [e.doubt for e in found][:5] == [10.0, 4.0, 1.0, 0.0, 0.0]
