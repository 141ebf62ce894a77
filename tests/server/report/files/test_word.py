"""The Word document holds real tables whose heads repeat, pictures with words, and no person."""

import io
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

import docx
from docx.oxml.ns import qn
from hepafed.server.formats import read_report
from hepafed.server.report.contents import Part
from hepafed.server.report.drawing import Plot, plots
from hepafed.server.report.files.figures import alone, png
from hepafed.server.report.files.word import word_document
from hepafed.server.report.tables import Table

SECTIONS = (("one", "First"), ("empty", "Nothing"), ("two", "Second"))
RATES = Table(
    "rates", "Rates", ("Where", "Value"), (("Pooled", ("95 %", "91–98 %")), ("a", 3)), "A note."
)


def written(plain: dict[str, Any]) -> bytes:
    roc = plots(read_report(plain))["roc"]
    assert roc.svg is not None
    return word_document(
        "A title",
        "A line",
        SECTIONS,
        [
            Part("one", (RATES, Table("none", "Empty", ("x",), ()))),
            Part("empty", (Table("none", "Empty", ("x",), ()),)),
            Part("two", (Plot("pr", "Curves", "", reason="one class"), roc)),
        ],
        {"two": [("Design", "One fact.")]},
        {"roc": png(alone(roc.svg.wide, 20), 20)},
    )


def made(plain: dict[str, Any]) -> Any:  # noqa: ANN401 - docx has no public type of a document
    return docx.Document(io.BytesIO(written(plain)))


def inside(plain: dict[str, Any]) -> ET.Element:
    """Give word/document.xml."""
    with zipfile.ZipFile(io.BytesIO(written(plain))) as held:
        return ET.fromstring(held.read("word/document.xml"))  # noqa: S314 - our own document


def test_a_table_has_its_cells_and_its_head_repeats_on_every_page(plain: dict[str, Any]) -> None:
    (table,) = made(plain).tables
    assert [[c.text for c in r.cells] for r in table.rows] == [
        ["Where", "Value"],
        ["Pooled", "95 %\n91–98 %"],
        ["a", "3"],
    ]
    rows = inside(plain).iter(qn("w:tr"))
    marks = [{e.tag for e in row.findall(f"{qn('w:trPr')}/*")} for row in rows]
    assert marks == [{qn("w:tblHeader")}, {qn("w:cantSplit")}, {qn("w:cantSplit")}]


def test_a_section_without_content_is_left_out_and_a_figure_keeps_its_number(
    plain: dict[str, Any],
) -> None:
    words = [p.text for p in made(plain).paragraphs]
    assert "Nothing" not in words
    assert [w for w in words if w in ("First", "Second")] == ["First", "Second"]
    assert "Figure 1 (Curves) is not shown: one class." in words
    assert any(w.startswith("Figure 2. ROC curves, malignant") for w in words)
    assert "Design. One fact." in words


def test_a_picture_is_as_wide_as_the_text_and_is_described(plain: dict[str, Any]) -> None:
    (picture,) = made(plain).inline_shapes
    assert round(picture.width.mm) == 174
    (named,) = inside(plain).iter(qn("wp:docPr"))
    assert named.get("descr", "").startswith("ROC curves, malignant versus benign")


def test_the_document_names_its_title_and_no_person(plain: dict[str, Any]) -> None:
    facts = made(plain).core_properties
    assert (facts.title, facts.author, facts.last_modified_by) == ("A title", "HepaFed", "")
