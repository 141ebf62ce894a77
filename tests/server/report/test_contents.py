"""What the page shows, the Word document and the LaTeX files have too."""

import io
import re
from html import unescape
from pathlib import Path

import docx
import pytest
from hepafed.server.report.page import SECTIONS

ONLY_IN_FILES = {"Malignant versus benign per patient, pooled over 3 sites, with 95 % intervals"}
"""The key figures: the page shows them large, without a table."""


@pytest.fixture(scope="module")
def captions(written: Path) -> list[str]:
    page = (written / "report.html").read_text("utf-8")
    page = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)  # points of figures: CSV
    found = re.findall(r"<caption>(.*?)</caption>", page)
    return [unescape(c).replace("\N{NO-BREAK SPACE}", " ") for c in found]


def test_every_table_of_the_page_is_a_table_of_the_word_document(
    written: Path, captions: list[str]
) -> None:
    document = docx.Document(io.BytesIO((written / "report.docx").read_bytes()))
    said = [
        p.text for p in document.paragraphs if p.style is not None and p.style.name == "Caption"
    ]
    tables = [s for s in said if not s.startswith("Figure ")]
    assert [t for t in tables if t not in ONLY_IN_FILES] == captions
    assert len(document.tables) == len(tables)
    headings = [p.text for p in document.paragraphs if (p.style and p.style.name) == "Heading 1"]
    order = [title for _, title in SECTIONS]
    assert [order.index(h) for h in headings] == sorted(order.index(h) for h in headings)


def test_every_table_of_the_page_is_a_latex_file(written: Path, captions: list[str]) -> None:
    texts = [p.read_text("utf-8") for p in (written / "tables").glob("*.tex")]
    assert len(texts) == len(captions) + len(ONLY_IN_FILES)


def test_a_figure_has_the_same_number_on_the_page_and_in_the_document(written: Path) -> None:
    page = (written / "report.html").read_text("utf-8")
    document = docx.Document(io.BytesIO((written / "report.docx").read_bytes()))
    said = [p.text for p in document.paragraphs if p.text.startswith("Figure ")]
    on_page = re.findall(r"<b>Figure\s(\d+)\.</b>(.*?)\. ", page)
    assert [f"Figure {n}. {title}." in s for (n, title), s in zip(on_page, said, strict=True)] == [
        True
    ] * 6
