"""What the signals say against a lesion's place, a volume's position or a phase's name is found."""

from collections.abc import Callable

import pytest
from hepafed.client.cohort.measurements import Measurements, Signals
from hepafed.client.cohort.store import Cohort
from hepafed.client.quality.contact_sheet import contact_sheet
from hepafed.client.quality.findings import quality
from hepafed.client.quality.outliers import Finding
from hepafed.client.quality.places import findings_of_places

Make = Callable[..., Cohort]
FITS = (0.8, 0.7, 0.72)
SIZE = (30.0, 32.0, 25.0)


def judged(cohort: Make, signals: dict[int, Signals]) -> list[Finding]:
    facts = {k: Measurements("box", SIZE, 1.0, 1.0, signals=s) for k, s in signals.items()}
    return list(findings_of_places(cohort(len(signals), facts=facts).rows()))


def usual(n: int = 12) -> dict[int, Signals]:
    """Signals of a site where nothing is wrong; no two lesions are alike."""
    return {
        k: Signals(
            contrast={"t2": 6.0 + 0.3 * k, "dwi": -0.2 * k},
            agreement=dict.fromkeys(("t2", "dwi", "portal"), (0.8 + 0.003 * k, 0.72, 0.7)),
            course={"t1-pre": -0.5, "arterial": 0.6 + 0.02 * k, "portal": 0.2, "delayed": 0.1},
            decay=0.4 + 0.01 * k,
            adc_with_dwi=-0.4 + 0.05 * k,
        )
        for k in range(n)
    }


def test_a_usual_site_has_no_finding(cohort: Make) -> None:
    assert judged(cohort, usual()) == []


def test_lesions_without_signals_have_no_finding(cohort: Make) -> None:
    assert judged(cohort, {k: Signals() for k in range(10)}) == []


@pytest.mark.parametrize(("best", "found"), [(0.99, True), (-0.99, True), (1.0, False)])
def test_a_lesion_with_no_contrast_in_any_sequence_is_not_seen(
    cohort: Make, best: float, found: bool
) -> None:
    made = judged(cohort, {0: Signals(contrast={"t2": 0.1, "dwi": best})})
    assert [(f.kind, f.where) for f in made] == ([("place", "lesion 0000")] if found else [])
    assert all("in none of t2, dwi" in f.text for f in made)


@pytest.mark.parametrize(("best", "found"), [(2.0, True), (3.5, False)])
def test_a_lesion_much_fainter_than_the_site_s_others_is_looked_at(
    cohort: Make, best: float, found: bool
) -> None:
    made = judged(cohort, usual() | {5: Signals(contrast={"t2": best})})
    assert [f.where for f in made] == (["lesion 0005"] if found else [])


def test_a_faint_lesion_alone_is_no_finding(cohort: Make) -> None:
    assert judged(cohort, {0: Signals(contrast={"t2": 2.0})}) == []


@pytest.mark.parametrize(
    ("agreed", "word"),
    [
        ((0.60, 0.76, 0.60), "reversed"),
        ((0.60, 0.60, 0.69), "20 mm elsewhere"),
        ((0.60, 0.76, 0.78), "20 mm elsewhere"),
        ((0.02, 0.06, 0.01), "does not show what the other sequences show"),
        ((0.02, 0.01, 0.01), ""),
        ((0.62, 0.70, 0.50), ""),
        ((0.58, 0.72, 0.50), "reversed"),
        ((0.80, 0.85, 0.82), ""),
    ],
)
def test_a_volume_that_fits_better_otherwise_is_found(
    cohort: Make, agreed: tuple[float, float, float], word: str
) -> None:
    wrong = Signals(agreement={"t2": FITS, "dwi": agreed, "portal": FITS})
    made = judged(cohort, usual() | {7: wrong})
    assert [(f.kind, f.where) for f in made] == ([("position", "examination e7")] if word else [])
    assert all(f.text.startswith("dwi ") and word in f.text for f in made)


def test_of_two_volumes_nobody_can_say_which_one_is_wrong(cohort: Make) -> None:
    (found,) = judged(cohort, {0: Signals(agreement={"t2": (0.5, 0.8, 0.5), "dwi": FITS})})
    assert found.text.startswith("t2 or dwi fits")


@pytest.mark.parametrize(
    ("course", "words"),
    [
        ({"t1-pre": 0.5, "arterial": 0.35}, ["brighter in t1-pre than in arterial"]),
        ({"t1-pre": 0.5, "arterial": 0.45}, []),
        ({"t1-pre": 0.3, "arterial": 0.9, "portal": 0.0}, ["brighter in t1-pre than in portal"]),
        ({"arterial": 0.1, "portal": 0.25}, ["brighter in portal than in arterial"]),
        ({"arterial": 0.1, "portal": 0.15}, []),
        ({"t1-pre": -0.5, "delayed": 0.1}, []),
        ({"t1-pre": 0.9, "hepatobiliary": -0.5}, []),
    ],
)
def test_phases_whose_names_do_not_fit_the_vessels_are_found(
    cohort: Make, course: dict[str, float], words: list[str]
) -> None:
    made = judged(cohort, {0: Signals(course=course)})
    assert [w in f.text for w, f in zip(words, made, strict=True)] == [True] * len(words)
    assert {(f.kind, f.where) for f in made} <= {("phase", "examination e0")}


@pytest.mark.parametrize(("decay", "found"), [(0.99, False), (1.0, True), (2.2, True)])
def test_a_liver_that_is_not_darker_at_the_highest_b_value_is_found(
    cohort: Make, decay: float, found: bool
) -> None:
    made = judged(cohort, {0: Signals(decay=decay)})
    assert [(f.kind, f.where) for f in made] == ([("b-value", "examination e0")] if found else [])


def test_an_adc_map_that_is_a_copy_of_dwi_is_found(cohort: Make) -> None:
    (found,) = judged(cohort, usual() | {3: Signals(adc_with_dwi=0.95)})
    assert (found.kind, found.where) == ("adc", "lesion 0003")


def test_an_adc_that_rises_with_dwi_in_most_lesions_is_a_finding_of_the_cohort(
    cohort: Make,
) -> None:
    (found,) = judged(cohort, {k: Signals(adc_with_dwi=0.2 + 0.04 * k) for k in range(8)})
    assert (found.kind, found.where) == ("adc", "the cohort")


def test_seven_lesions_are_too_few_to_judge_the_site_s_adc(cohort: Make) -> None:
    assert judged(cohort, {k: Signals(adc_with_dwi=0.5) for k in range(7)}) == []


def test_quality_control_and_the_contact_sheet_show_what_is_found(cohort: Make) -> None:
    faint = Measurements("box", SIZE, 1.0, 1.0, signals=Signals(contrast={"t2": 0.2}))
    store = cohort(9, facts={4: faint})
    assert [(f.kind, f.where) for f in quality(store).findings] == [("place", "lesion 0004")]
    first = contact_sheet(store).partition("<article")[2].partition("</article>")[0]
    assert "0004" in first
    assert "no lesion is seen at the marked place" in first
