"""The report in a real browser: silent, alone, accessible, and whole when printed."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hepafed.common.records import write_record
from hepafed.common.statistics.scores import ScoreTable
from hepafed.server.formats import read_report
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.write import write_report
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)
FIGURES = ("ROC curves", "AUC by site", "Precision and recall", "Calibration", "Decision curve")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def file(federated: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(read_report(federated), tmp_path_factory.mktemp("report"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1000, "height": 1200})
    yield made
    made.close()


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


@pytest.mark.parametrize("opened", [False, True], ids=["closed", "data tables open"])
def test_axe_finds_nothing_to_object_to(page: Page, file: Path, opened: bool) -> None:
    page.goto(file.as_uri())
    if opened:
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = Axe().run(page).response
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
    assert len(found["passes"]) > 15


def test_every_figure_is_named_in_the_accessibility_tree(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    for name in FIGURES:
        assert page.get_by_role("img", name=re.compile(name)).count() == 1


def _collisions(page: Page) -> list[str]:
    """Name the texts of drawings that leave their drawing or cover another text."""
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('svg')].map(svg => {
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


def test_no_text_of_a_drawing_leaves_it_or_covers_another(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    assert _collisions(page) == []


@pytest.mark.parametrize("sites", [6, 24])
def test_long_names_and_many_sites_fit_their_drawings(
    page: Page, table: Callable[..., ScoreTable], tmp_path: Path, sites: int
) -> None:
    made = report_from_scores(table(seed=5, patients=50 * sites, sites=sites), 0.5)
    report = write_record(made)
    text = re.sub(r"site-(\d)", r"university-hospital-of-the-north-\1", json.dumps(report))
    page.goto(write_report(read_report(json.loads(text)), tmp_path).as_uri())
    assert _collisions(page) == []


def test_the_page_does_not_scroll_sideways_on_a_telephone(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


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


def test_no_figure_is_cut_by_a_page_when_printed(page: Page, file: Path) -> None:
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    for name in ("figure", "tr"):
        inside = page.evaluate(f"getComputedStyle(document.querySelector('{name}')).breakInside")
        assert inside == "avoid"
    # A4 less the margins of @page: nothing that must not be cut is taller
    heights = page.evaluate("[...document.querySelectorAll('figure')].map(f => f.offsetHeight)")
    assert max(heights) < (297 - 17 - 18) / 25.4 * 96
