"""A table names what it counts: images where they are key images, and never in a site's name."""

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


def of_one_site(auc: str) -> Table:
    head = ("Task", "Where", "AUC", BOUND_HEAD)
    return Table("auc", "c", head, (("t", "Pooled", "0.90", "±0.01"), ("t", "site-1", auc, "0")))


def test_of_one_site_the_same_figures_are_shown_once_and_the_note_says_so() -> None:
    made = printed(of_one_site("0.90"), ("lesion", "lesions"), "site-1")
    assert made.rows == (("t", "site-1", "0.90", "±0.01"),)
    assert made.note == ONCE


def test_of_one_site_other_figures_are_both_shown() -> None:
    table = of_one_site("0.91")
    assert printed(table, ("lesion", "lesions"), "site-1") is table


def test_of_several_sites_no_row_is_left_out() -> None:
    table = of_one_site("0.90")
    assert printed(table, ("lesion", "lesions")) is table
