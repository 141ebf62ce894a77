"""The report as a Word document: real tables with repeated heads, captions, pictures with words."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hepafed.server.report.contents import Part
from hepafed.server.report.drawing import Plot
from hepafed.server.report.tables import Table, cell_words

if TYPE_CHECKING:
    from docx.document import Document
    from docx.shared import Length
    from docx.table import Table as WordTable
    from docx.table import _Cell

TEXT_MM, MARGIN_MM = 174, 18
"""Width of the text, and what is left of A4 beside it."""
FONT = "Arial"
POINTS, SMALL_POINTS, NARROW_POINTS = 9, 8, 7.5
"""Sizes of text in tables: figures, small print, and tables of more than seven columns."""
MANY_COLUMNS = 7
SHORTEST, LONGEST = 8, 40
"""Characters by which the width of a column is measured, at least and at most."""
Words = Sequence[tuple[str, str]]


def word_document(
    title: str,
    lead: str,
    sections: Sequence[tuple[str, str]],
    parts: Sequence[Part],
    sentences: Mapping[str, Words],
    pictures: Mapping[str, bytes],
) -> bytes:
    """Return report.docx.

    Parameters
    ----------
    title, lead
        The head of the page and the line below it.
    sections
        Anchor and heading of every section, in order; one without content is left out.
    parts
        Tables and figures by section.
    sentences
        Paragraphs by anchor, each with its subject ("" for none).
    pictures
        PNG of each figure by its id, 174 mm wide.
    """
    document = _empty(title)
    document.add_heading(title, 0)
    document.add_paragraph(lead)
    items = {p.section: p.items for p in parts}
    figures = [i.id for p in parts for i in p.items if isinstance(i, Plot)]
    for anchor, heading in sections:
        held = [i for i in items.get(anchor, ()) if isinstance(i, Plot) or i.rows]
        said = sentences.get(anchor, ())
        if said and not any(isinstance(i, Table) or i.svg for i in held):
            held = []  # the sentence says that nothing is there, and why
        if not held and not said:
            continue
        document.add_heading(heading, 1)
        for subject, words in said:
            paragraph = document.add_paragraph()
            if subject:
                paragraph.add_run(f"{subject}. ").bold = True
            paragraph.add_run(words)
        for item in held:
            if isinstance(item, Plot):
                _picture(document, item, figures.index(item.id) + 1, pictures.get(item.id))
            else:
                add_table(document, item)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _empty(title: str) -> "Document":
    """Return an empty A4 document whose properties name the report and no person."""
    import docx
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt, RGBColor

    document = docx.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(MARGIN_MM)
    for name in ("Normal", "Title", "Heading 1", "Caption"):
        style = document.styles[name]
        style.font.name = FONT
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qn(script), FONT)
        for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:cstheme", "w:eastAsiaTheme"):
            fonts.attrib.pop(qn(theme), None)
        style.font.color.rgb = RGBColor(0, 0, 0)
    document.styles["Normal"].font.size = Pt(10)
    document.styles["Caption"].paragraph_format.space_before = Pt(12)
    facts = document.core_properties
    facts.title, facts.author, facts.comments = title, "HepaFed", "Research use only"
    facts.language = "en"
    facts.created = facts.modified = datetime.now(UTC)
    return document


def _picture(document: "Document", plot: Plot, number: int, picture: bytes | None) -> None:
    from docx.shared import Mm

    if picture is None:
        document.add_paragraph(f"Figure {number} ({plot.title}) is not shown: {plot.reason}.")
        return
    paragraph = document.add_paragraph()
    shape = paragraph.add_run().add_picture(io.BytesIO(picture), width=Mm(TEXT_MM))
    shape._inline.docPr.set("descr", f"{plot.title}. {plot.caption}")
    paragraph.paragraph_format.keep_with_next = True
    document.add_paragraph(f"Figure {number}. {plot.title}. {plot.caption}", style="Caption")


def add_table(document: "Document", table: Table) -> None:
    """Add a table under its caption: the head repeats on every page, no row is split."""
    caption = document.add_paragraph(table.caption, style="Caption")
    caption.paragraph_format.keep_with_next = True
    made = document.add_table(rows=1, cols=len(table.head), style="Light Shading")
    made.autofit = False
    _look(made)
    points = NARROW_POINTS if len(table.head) > MANY_COLUMNS else POINTS
    for cell, words in zip(made.rows[0].cells, table.head, strict=True):
        _write(cell, words, "", points, bold=True)
    _mark_row(made, 0, "w:tblHeader")
    for number, row in enumerate(table.rows, 1):
        cells = made.add_row().cells
        for column, (cell, value) in enumerate(zip(cells, row, strict=True)):
            main, small = cell_words(value)
            _write(cell, main, small, points, bold=column < table.span)
        _mark_row(made, number, "w:cantSplit")
    for column, width in zip(made.columns, _widths(table), strict=True):
        for cell in (*column.cells,):
            cell.width = width
        column.width = width
    if table.note:
        document.add_paragraph(table.note)


def _widths(table: Table) -> "list[Length]":
    """Share the width of the text out by the words of each column, none too narrow or wide."""
    from docx.shared import Mm

    rows = (tuple(map(str, table.head)), *(tuple(map(_longest, row)) for row in table.rows))
    lengths = [
        min(LONGEST, max(SHORTEST, *(len(row[i]) for row in rows))) for i in range(len(table.head))
    ]
    return [Mm(TEXT_MM * n / sum(lengths)) for n in lengths]


def _longest(value: object) -> str:
    return max(cell_words(value), key=len)


def _look(table: "WordTable") -> None:
    """Leave the style's grey bands out (ECMA-376, part 1, 17.4.55)."""
    from docx.oxml.ns import qn

    look = table._tbl.tblPr.find(qn("w:tblLook"))
    if look is not None:
        look.set(qn("w:noHBand"), "1")
        look.set(qn("w:val"), "06A0")


def _write(cell: "_Cell", words: str, small: str, points: float, *, bold: bool) -> None:
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    for text, size in ((words, points), (small, min(points, SMALL_POINTS))):
        if text:
            run = paragraph.add_run(text if text is words else f"\n{text}")
            run.font.size = Pt(size)
            run.bold = bold and text is words


def _mark_row(table: "WordTable", number: int, mark: str) -> None:
    """Set a property of a row (`w:tblHeader`, `w:cantSplit`: ECMA-376, part 1, 17.4)."""
    from docx.oxml import OxmlElement

    table.rows[number]._tr.get_or_add_trPr().append(OxmlElement(mark))
