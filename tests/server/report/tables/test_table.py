"""A table names what it counts: images where they are key images, and never in a site's name."""

import pytest
from hepafed.server.report.tables import Table, printed, renamed
from hepafed.server.report.tables.table import BOUND_HEAD, ONCE

LESIONS = Table(
    "t",
    "Lesions: true class",
    ("Lesion", "Patients and lesions"),
    (("Lesion: benign vs rest", "lesion-centre", 3), (("a lesion", "x"), "Lesion site", None)),
    "A lesion of several lesions.",
)


def test_captions_heads_notes_and_tasks_are_of_images_and_names_stay() -> None:
    made = printed(LESIONS, ("image", "images"))
    assert made.caption == "Images: true class"
    assert made.head == ("Image", "Patients and images")
    assert made.note == "An image of several images."
    assert made.rows[0] == ("Image: benign vs rest", "lesion-centre", 3)
    assert made.rows[1] == (("a lesion", "x"), "Lesion site", None)


def test_a_table_of_lesions_stays_as_it_is() -> None:
    assert printed(LESIONS, ("lesion", "lesions")) is LESIONS


def test_an_image_has_its_article() -> None:
    assert renamed("A lesion, or a lesion of data lesions", ("image", "images")) == (
        "An image, or an image of data images"
    )
    assert renamed("A lesion", ("lesion or image", "lesions or images")) == "A lesion or image"


def test_small_print_of_several_cells_stands_once_below_the_table() -> None:
    few, many = "only one cell of the table says so", "two cells of the table say just this."
    counts = "3 of 4"
    rows = (
        ("site-a", (0.5, few), ("–", many)),
        (("site-b", many), ("91 %", counts), (None, counts)),
        ("site-c", ("0.97 (0.91–0.99)", many + " And more"), 7),
    )
    made = printed(Table("t", "c", ("a", "b", "c"), rows, "A note."), ("lesion", "lesions"))
    assert made.rows == (
        ("site-a", (0.5, few), "– [a]"),
        ("site-b [a]", ("91 %", counts), (None, counts)),
        ("site-c", ("0.97 (0.91–0.99)", many + " And more"), 7),
    )
    assert made.note == "A note. [a] two cells of the table say just this."


def test_each_remark_has_a_letter_in_the_order_of_the_rows() -> None:
    first, second = (
        "a remark that is longer than a few words",
        "another one that is as long as that",
    )
    rows = ((("1", second), ("2", first)), (("3", first), ("4", second)))
    made = printed(Table("t", "c", ("a", "b"), rows), ("lesion", "lesions"))
    assert made.rows == (("1 [a]", "2 [b]"), ("3 [b]", "4 [a]"))
    assert made.note == f"[a] {second}. [b] {first}."


REMARK = "a remark of more than twenty-four signs; it has two parts"


def test_a_remark_of_several_cells_leaves_their_figures_where_they_are() -> None:
    rows = (
        (("0.08", f"−0.02–0.15; {REMARK}"), ("70 %", f"50–85 %; 7/10; {REMARK}")),
        (("0.06", f"0.01 to 0.14; {REMARK}"), ("–", REMARK)),
    )
    made = printed(Table("t", "c", ("a", "b"), rows), ("lesion", "lesions"))
    assert made.rows == (
        (("0.08", "−0.02–0.15 [a]"), ("70 %", "50–85 %; 7/10 [a]")),
        (("0.06", "0.01 to 0.14 [a]"), "– [a]"),
    )
    assert made.note == f"[a] {REMARK}."


@pytest.mark.parametrize(("length", "below"), [(60, False), (61, True)])
def test_a_very_long_remark_stands_below_although_one_cell_has_it(length: int, below: bool) -> None:
    remark = "x" * length
    made = printed(Table("t", "c", ("a",), ((("1", remark),), ("2",))), ("lesion", "lesions"))
    assert made.rows[0] == (("1 [a]",) if below else (("1", remark),))
    assert made.note == (f"[a] {remark}." if below else "")


def test_long_figures_are_no_remark() -> None:
    rows = (
        (("a", "1,234–5,678 %; 1,234,567/2,345,678"),),
        (("b", "0.1 to 0.2; 1,234,567/2,345,678"),),
    )
    table = Table("t", "c", ("a",), rows + rows)
    assert printed(table, ("lesion", "lesions")) is table


def of_one_site(auc: str) -> Table:
    head = ("Task", "Where", "AUC", BOUND_HEAD)
    return Table("auc", "c", head, (("t", "Pooled", "0.90", "±0.01"), ("t", "site-1", auc, "0")))


def test_of_one_site_the_same_figures_are_shown_once_and_the_note_says_so() -> None:
    made = printed(of_one_site("0.90"), ("lesion", "lesions"), "site-1")
    assert made.rows == (("t", "site-1", "0.90", "±0.01"),)
    assert made.note == ONCE


@pytest.mark.parametrize(
    ("below", "once"),
    [("0.41–0.52", True), ("", False), ("0.41–0.52; with a remark of its own", False)],
)
def test_of_one_site_ends_that_differ_by_rounding_are_one_interval(below: str, once: bool) -> None:
    rows = (("t", "Pooled", ("0.45", "0.41–0.53")), ("t", "site-1", ("0.45", below)))
    table = Table("t", "c", ("Task", "Where", "Slope"), rows)
    made = printed(table, ("lesion", "lesions"), "site-1")
    assert (len(made.rows) == 1) == once
    if once:
        assert made.rows == (("t", "site-1", ("0.45", "0.41–0.53")),)


def test_of_one_site_other_figures_are_both_shown() -> None:
    table = of_one_site("0.91")
    assert printed(table, ("lesion", "lesions"), "site-1") is table


def test_of_several_sites_no_row_is_left_out() -> None:
    table = of_one_site("0.90")
    assert printed(table, ("lesion", "lesions")) is table
