"""The report in a real browser: silent, alone, accessible, and whole when printed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import read_report
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.page import render
from playwright.sync_api import Browser, Page

from .browsing import CHROMIUM, FIGURES, SMALL, opened_page
from .kinds import page_of

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)
WIDTHS = (390, 768, 1280)

SCHEMES = ("light", "dark")


def test_it_opens_without_a_console_message_or_a_request(page: Page, file: Path) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    assert said == []
    assert asked == [file.as_uri()]


@pytest.mark.parametrize(
    ("width", "scheme", "opened"),
    [  # each width and scheme, open and closed; all twelve pairs are a slow test
        (1280, "light", True),
        (390, "dark", True),
        (768, "light", False),
        (1280, "dark", False),
        *(
            pytest.param(w, s, o, marks=pytest.mark.slow)
            for w in WIDTHS
            for s in SCHEMES
            for o in (False, True)
        ),
    ],
)
def test_axe_finds_nothing_to_object_to(
    browser: Browser, file: Path, width: int, scheme: str, opened: bool
) -> None:
    with opened_page(browser, file, width, scheme) as page:
        if opened:
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        found = Axe().run(page).response
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
    assert len(found["passes"]) > 15


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_to_object_to_in_the_banner_of_made_up_data(
    browser: Browser, tmp_path: Path, scheme: str
) -> None:
    made = tmp_path / "report.html"
    made.write_text(page_of("synthetic"), encoding="utf-8")
    with opened_page(browser, made, 390, scheme) as page:
        assert page.locator(".madeup").is_visible()
        found = Axe().run(page, context=".madeup").response
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert [v["id"] for v in found["violations"]] == []
    assert "color-contrast" in [p["id"] for p in found["passes"]]


def test_every_figure_is_named_in_the_accessibility_tree(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    for name in FIGURES:
        assert page.get_by_role("img", name=re.compile(name)).count() == 1


CUT = """() => [...document.querySelectorAll('.scroll')]
    .filter(s => !s.closest('details:not([open])') && s.scrollWidth > s.clientWidth + 1)
    .map(s => [s.getAttribute('aria-label'), getComputedStyle(s.querySelector('.hint')).display])
"""
"""Tables wider than their place, and whether the words that say so are shown."""


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_is_smaller_than_eleven_pixels(browser: Browser, file: Path, width: int) -> None:
    with opened_page(browser, file, width, "light") as page:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_that_is_cut_says_so_and_one_that_is_not_does_not(
    browser: Browser, file: Path, width: int
) -> None:
    with opened_page(browser, file, width, "light") as page:
        cut = page.evaluate(CUT)
        assert [name for name, shown in cut if shown == "none"] == []
        said = page.evaluate(
            "[...document.querySelectorAll('.hint')].filter(h => h.offsetHeight).length"
        )
    assert said == len(cut)
    assert bool(cut) == (width == 390)


def test_in_the_dark_no_ink_of_a_drawing_is_as_dark_as_the_page(
    browser: Browser, file: Path
) -> None:
    with opened_page(browser, file, 768, "dark") as page:
        paper, inks = page.evaluate(
            """() => [getComputedStyle(document.body).backgroundColor,
                [...document.querySelectorAll('svg text, svg polyline, svg path, svg line')]
                    .map(e => [e.tagName, getComputedStyle(e)])
                    .map(([n, c]) => n === 'text' ? c.fill : c.stroke)]"""
        )
        assert luminance(paper) < 0.02
        faint = [i for i in inks if luminance(i) < 0.02]
    assert faint == []


def luminance(colour: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _collisions(page: Page) -> list[str]:
    """Name the texts of drawings that leave their drawing or cover another text."""
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('svg')].filter(s => s.clientWidth).map(svg => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll('text')].map(t => {
                const b = t.getBoundingClientRect();
                return [b.left - frame.left, b.top - frame.top, b.right - frame.left,
                        b.bottom - frame.top, frame.width, frame.height, t.textContent];
            });
        })"""
    )
    assert len(boxes) == len(FIGURES)
    found = []
    for texts in boxes:
        for i, (left, top, right, bottom, width, height, words) in enumerate(texts):
            if left < -1 or top < -1 or right > width + 1 or bottom > height + 1:
                found.append(f"{words} leaves its drawing")
            for other in texts[:i]:
                apart = (
                    right <= other[0] + 1
                    or other[2] <= left + 1
                    or bottom <= other[1] + 4
                    or other[3] <= top + 4
                )
                if not apart:
                    found.append(f"{words} covers {other[6]}")
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_drawing_leaves_it_or_covers_another(
    browser: Browser, file: Path, width: int
) -> None:
    with opened_page(browser, file, width, "light") as page:
        assert _collisions(page) == []


@pytest.mark.parametrize("sites", [6, 24])
def test_long_names_and_many_sites_fit_their_drawings(
    browser: Browser, table: Callable[..., ScoreTable], tmp_path: Path, sites: int
) -> None:
    made = report_from_scores(table(seed=5, patients=50 * sites, sites=sites), 0.5)
    report = write_record(made)
    text = re.sub(r"site-(\d)", r"university-hospital-of-the-north-\1", json.dumps(report))
    file = tmp_path / "report.html"
    file.write_text(render(read_report(json.loads(text))), encoding="utf-8")
    for width in (390, 1280):
        with opened_page(browser, file, width, "light") as page:
            assert _collisions(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_does_not_scroll_sideways(browser: Browser, file: Path, width: int) -> None:
    with opened_page(browser, file, width, "light") as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
