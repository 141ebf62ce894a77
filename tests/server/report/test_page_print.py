"""The report on paper: every figure, no text too small, nothing cut or parted."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .browsing import CHROMIUM, FIGURES, SMALL

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)


def _alternatives(pdf: bytes) -> list[str]:
    """Texts of the figures in a tagged PDF (PDF 1.7, 14.9.3); Chromium does not compress them."""
    found = []
    for figure in re.finditer(rb"/S /Figure\s+/Alt (?:<([0-9A-F]+)>|\(((?:[^()\\]|\\.)*)\))", pdf):
        wide, plain = figure.groups()
        found.append(bytes.fromhex(wide.decode()).decode("utf-16") if wide else plain.decode())
    return found


def test_the_printed_pdf_has_every_figure(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    pdf = page.pdf(prefer_css_page_size=True, tagged=True)
    assert pdf.startswith(b"%PDF-")
    alternatives = _alternatives(pdf)
    assert len(alternatives) == len(FIGURES)
    for name in FIGURES:
        assert any(name in a for a in alternatives), name
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 5 <= pages <= 40


@pytest.fixture
def paper(page: Page, file: Path) -> Page:
    """The page as it is printed: as wide as A4 less the margins of @page, in CSS pixels."""
    page.set_viewport_size({"width": round((210 - 2 * 16) / 25.4 * 96), "height": 990})
    page.emulate_media(media="print", color_scheme="dark")
    page.goto(file.as_uri())
    return page


def test_no_figure_is_cut_by_a_page_when_printed(paper: Page) -> None:
    for name in ("figure", "tr", "table.short"):
        inside = paper.evaluate(f"getComputedStyle(document.querySelector('{name}')).breakInside")
        assert inside == "avoid"
    # A4 less the margins of @page: nothing that must not be cut is taller
    tall = "[...document.querySelectorAll('figure, table.short')].map(f => f.offsetHeight)"
    assert max(paper.evaluate(tall)) < (297 - 17 - 18) / 25.4 * 96


def test_a_heading_is_not_parted_from_what_it_heads(paper: Page) -> None:
    """Caption, head and first row stay together; so do the heading and the key figures."""
    style = "getComputedStyle(document.querySelector('{}')).{}"
    for name in ("h2", "h3", "caption", "thead", "[aria-labelledby=key] > p"):
        assert paper.evaluate(style.format(name, "breakAfter")) == "avoid", name
    assert paper.evaluate(style.format("tbody tr:first-child", "breakBefore")) == "avoid"
    assert paper.evaluate(style.format(".scroll:has(+ .note)", "breakAfter")) == "avoid"
    assert paper.evaluate(style.format("thead", "display")) == "table-header-group"


def test_no_table_is_wider_than_the_paper_and_no_text_is_small_on_it(paper: Page) -> None:
    wide = "[...document.querySelectorAll('table')].map(t => t.offsetWidth)"
    assert max(paper.evaluate(wide)) <= paper.evaluate("innerWidth")
    assert paper.evaluate(SMALL) == []


def test_every_table_outside_of_a_figure_is_on_paper(paper: Page) -> None:
    hidden = paper.evaluate(
        "[...document.querySelectorAll('table')].filter(t => !t.offsetHeight)"
        ".filter(t => !t.closest('figure')).map(t => t.caption.textContent)"
    )
    assert hidden == []
    shown = paper.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.offsetHeight)"
        ".map(t => t.caption.textContent)"
    )
    assert "AUC of every task at every site" in shown


def test_a_printed_page_is_white_and_has_its_number(paper: Page, file: Path) -> None:
    white = "getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"
    assert paper.evaluate(white) == "#fff"
    assert "counter(page)" in file.read_text(encoding="utf-8")


def test_what_is_weak_is_on_the_first_page_of_paper(paper: Page) -> None:
    end = "document.querySelector('[aria-labelledby=plain] ul.plain:last-of-type')"
    assert paper.evaluate(f"{end}.getBoundingClientRect().bottom") < (297 - 17 - 18) / 25.4 * 96
