"""What the page shows, the Word document and the LaTeX files have too."""

import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import docx
import pytest
from hepafed.server.formats import read_report
from hepafed.server.report.page import SECTIONS
from hepafed.server.report.write import write_report

ONLY_IN_FILES = {"Malignant versus benign per patient, pooled over 3 sites, with 95 % intervals"}
"""The key figures: the page shows them large, without a table."""


@pytest.fixture(scope="module")
def folder(federated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(read_report(federated), tmp_path_factory.mktemp("report"), dpi=40).parent


@pytest.fixture(scope="module")
def captions(folder: Path) -> list[str]:
    page = (folder / "report.html").read_text("utf-8")
    page = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)  # points of figures: CSV
    found = re.findall(r"<caption>(.*?)</caption>", page)
    return [unescape(c).replace("\N{NO-BREAK SPACE}", " ") for c in found]


def test_every_table_of_the_page_is_a_table_of_the_word_document(
    folder: Path, captions: list[str]
) -> None:
    document = docx.Document(io.BytesIO((folder / "report.docx").read_bytes()))
    said = [
        p.text for p in document.paragraphs if p.style is not None and p.style.name == "Caption"
    ]
    tables = [s for s in said if not s.startswith("Figure ")]
    assert [t for t in tables if t not in ONLY_IN_FILES] == captions
    assert len(document.tables) == len(tables)
    headings = [p.text for p in document.paragraphs if (p.style and p.style.name) == "Heading 1"]
    order = [title for _, title in SECTIONS]
    assert [order.index(h) for h in headings] == sorted(order.index(h) for h in headings)


def test_every_table_of_the_page_is_a_latex_file(folder: Path, captions: list[str]) -> None:
    texts = [p.read_text("utf-8") for p in (folder / "tables").glob("*.tex")]
    assert len(texts) == len(captions) + len(ONLY_IN_FILES)


def test_a_figure_has_the_same_number_on_the_page_and_in_the_document(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    document = docx.Document(io.BytesIO((folder / "report.docx").read_bytes()))
    said = [p.text for p in document.paragraphs if p.text.startswith("Figure ")]
    on_page = re.findall(r"<b>Figure\s(\d+)\.</b>(.*?)\. ", page)
    assert [f"Figure {n}. {title}." in s for (n, title), s in zip(on_page, said, strict=True)] == [
        True
    ] * 6
