"""The contact sheet in a real browser: silent, alone, and its saved list is read by the command."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.cohort.measurements import Measurements
from hepafed.client.cohort.store import Cohort
from playwright.sync_api import Browser, Page, sync_playwright

Make = Callable[..., Cohort]
CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)
SHOWN = 112


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1000, "height": 1200})
    yield made
    made.close()


def client(home: Path, *words: str) -> str:
    done = CliRunner().invoke(main, ["--home", str(home), *words])
    assert done.exit_code == 0, done.output
    return done.output


def written(home: Path) -> str:
    client(home, "cohort", "--html", str(home / "page.html"))
    return (home / "page.html").as_uri()


def saved(page: Page, button: str, target: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    assert download.value.suggested_filename == target.name
    download.value.save_as(target)
    return target


def test_it_opens_without_a_console_message_or_a_request(
    page: Page, tmp_path: Path, cohort: Make
) -> None:
    cohort(4).exclude({"0002": "wrong place"})
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("request", lambda r: asked.append(r.url[:40]))
    address = written(tmp_path)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert said == []
    assert [a for a in asked if not a.startswith("data:")] == [address[:40]]
    whole = "[...document.images].every(i => i.complete && i.naturalWidth === 112)"
    page.evaluate("document.querySelectorAll('article').forEach(a => a.scrollIntoView())")
    page.wait_for_function(whole)


def test_axe_finds_nothing_to_object_to(page: Page, tmp_path: Path, cohort: Make) -> None:
    cohort(4).exclude({"0002": "wrong place"})
    page.goto(written(tmp_path))
    found = Axe().run(page).response
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []


def test_the_saved_list_excludes_what_was_ticked_and_another_takes_it_back(
    page: Page, tmp_path: Path, cohort: Make
) -> None:
    store = cohort(6)
    page.goto(written(tmp_path))
    assert page.get_by_role("button", name="Save the list: 0 to exclude").is_disabled()
    for lesion in ("0001", "0004"):
        page.locator(f"input[value='{lesion}']").check()
    page.get_by_label("reason to exclude lesion 0004").select_option("wrong place")
    listed = saved(page, "Save the list: 2 to exclude", tmp_path / "exclude.csv")
    assert "excluded: 2 lesions" in client(tmp_path, "cohort", "--exclude", str(listed))
    assert [(r.lesion, why) for r, why in store.excluded()] == [
        ("0001", ""),
        ("0004", "wrong place"),
    ]
    page.goto(written(tmp_path))
    assert page.locator("input[name='exclude']").count() == 4
    page.locator("input[value='0004']").check()
    listed = saved(page, "Save the list: 1 to include", tmp_path / "include.csv")
    assert "included again: 1 lesions" in client(tmp_path, "cohort", "--include", str(listed))
    assert [r.lesion for r, _ in store.excluded()] == ["0001"]


def test_leaving_with_ticks_that_are_not_saved_asks_first(
    page: Page, tmp_path: Path, cohort: Make
) -> None:
    cohort(2)
    asked: list[str] = []
    page.on("dialog", lambda d: (asked.append(d.type), d.accept()))
    page.goto(written(tmp_path))
    page.locator("input[value='0001']").check()
    page.reload()
    assert asked == ["beforeunload"]
    page.locator("input[value='0001']").check()
    saved(page, "Save the list: 1 to exclude", tmp_path / "exclude.csv")
    page.goto("about:blank")
    assert asked == ["beforeunload"]


def test_the_box_lies_over_every_slice_of_every_sequence_and_can_be_hidden(
    page: Page, tmp_path: Path, cohort: Make
) -> None:
    # 50 × 30 mm: the crop is 80 mm, so the box is 70 × 42 of 112 pixels, from (21, 35)
    cohort(1, facts={0: Measurements("box", (50.0, 30.0, 12.0), 1.0, 1.0)})
    page.goto(written(tmp_path))
    picture = page.get_by_role("img", name="t2 of lesion 0000")
    over = page.locator("figure span").first
    assert picture.bounding_box() == over.bounding_box()
    assert picture.bounding_box()["height"] == 3 * SHOWN  # type: ignore[index]
    yellow = _yellow_rows(page)
    for n in range(3):
        assert {SHOWN * n + 35, SHOWN * n + 77} <= {y for y in yellow if y // SHOWN == n} | {
            y + 1 for y in yellow if y // SHOWN == n
        }
    page.get_by_label("show the boxes").uncheck()
    assert not over.is_visible()
    assert _yellow_rows(page) == []


def _yellow_rows(page: Page) -> list[int]:
    """Rows of the first figure's strip in which more than half of the box's width is yellow."""
    import io

    import numpy as np
    from PIL import Image

    box = page.locator("figure img").first.bounding_box()
    assert box is not None
    shot = page.screenshot(clip=box, full_page=True)  # type: ignore[arg-type]
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.int64)
    yellow = (pixels[..., 0] - pixels[..., 2] > 60) & (pixels[..., 1] - pixels[..., 2] > 40)
    return [int(y) for y in np.flatnonzero(yellow.sum(axis=1) > 35)]


def test_the_page_does_not_scroll_sideways_on_a_telephone(
    browser: Browser, tmp_path: Path, cohort: Make
) -> None:
    cohort(2, sequences=("t2", "dwi", "adc", "t1-pre", "arterial", "portal", "delayed"))
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(written(tmp_path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
