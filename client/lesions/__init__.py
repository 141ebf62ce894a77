"""The labelled lesions: from the rows of a labels table to places in volumes."""

from hepafed.client.lesions.labels import Label, complain_about, read_labels
from hepafed.client.lesions.locate import LocatedLesion, locate
from hepafed.client.lesions.overlaps import overlapping
from hepafed.client.lesions.table_file import read_table

__all__ = [
    "Label",
    "LocatedLesion",
    "complain_about",
    "locate",
    "overlapping",
    "read_labels",
    "read_table",
]
