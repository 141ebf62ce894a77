"""A table names what it counts: images where they are key images, and never in a site's name."""

from hepafed.server.report.tables import Table, in_units, renamed

LESIONS = Table(
    "t",
    "Lesions: true class",
    ("Lesion", "Patients and lesions"),
    (("Lesion: benign vs rest", "lesion-centre", 3), (("a lesion", "x"), "Lesion site", None)),
    "A lesion of several lesions.",
)


def test_captions_heads_notes_and_tasks_are_of_images_and_names_stay() -> None:
    made = in_units(LESIONS, ("image", "images"))
    assert made.caption == "Images: true class"
    assert made.head == ("Image", "Patients and images")
    assert made.note == "An image of several images."
    assert made.rows[0] == ("Image: benign vs rest", "lesion-centre", 3)
    assert made.rows[1] == (("a lesion", "x"), "Lesion site", None)


def test_a_table_of_lesions_stays_as_it_is() -> None:
    assert in_units(LESIONS, ("lesion", "lesions")) is LESIONS


def test_an_image_has_its_article() -> None:
    assert renamed("A lesion, or a lesion of data lesions", ("image", "images")) == (
        "An image, or an image of data images"
    )
    assert renamed("A lesion", ("lesion or image", "lesions or images")) == "A lesion or image"
