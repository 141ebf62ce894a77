"""The page in a real browser: where it is, its figures, and how to open it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")

FIGURES = (
    "ROC curves, malignant", "ROC curves of each class", "AUC by site", "Precision and recall",
    "Calibration", "Decision curve",
)  # fmt: skip

SMALL = """() => {
    const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let t = texts.nextNode(); t; t = texts.nextNode()) {
        const e = t.parentElement, box = e.getBoundingClientRect(), svg = e.closest('svg');
        if (!t.textContent.trim() || !box.width || !box.height) continue;
        let size = parseFloat(getComputedStyle(e).fontSize);
        if (svg) size *= svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        if (size < 11) found.push([t.textContent.trim(), size]);
    }
    return found;
}"""
"""Texts of the page under 11 pixels as they are seen, drawings scaled."""


@contextmanager
def opened_page(browser: Browser, file: Path, width: int, scheme: str) -> Iterator[Page]:
    size: Any = {"width": width, "height": 900}
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(file.as_uri())
    yield page
    page.close()
