"""The ledger's page: a summary of what left first, every entry after it, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hepafed.client.cli.main import main
from hepafed.client.release.ledger.page import write_page
from hepafed.client.release.ledger.plain_words import WORDS, words_of
from hepafed.common.contract.messages import KINDS

from tests.client.release.ledger.tampered import Pair

CHROMIUM = Path("/usr/bin/chromium")
needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="no /usr/bin/chromium: apt-get install chromium"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = Pair(tmp_path_factory.mktemp("pair"))
    made.asked("t2-1")
    made.ledger.record("update", "t2-1", bytes(1000), permission="study-7 until 2027-01-31")
    made.ledger.record("update", "t2-2", bytes(234), permission="study-7 until 2027-01-31")
    made.asked("t2-2")
    made.ledger.record("unreadable", "<script>x</script>\x1b[2J", b"a", direction="in")
    return made


@pytest.fixture(scope="module")
def file(pair: Pair) -> Path:
    path = pair.home.parent / "ledger.html"
    done = CliRunner().invoke(main, ["--home", str(pair.home), "ledger", "--html", str(path)])
    assert done.exit_code == 0, done.output
    return path


def test_each_kind_of_message_has_plain_words() -> None:
    travels_beside = {"head", "countersigned", "stamp"}  # part of an entry, never one of its own
    assert set(KINDS) - travels_beside <= set(WORDS)
    assert words_of("something new") == "something new"


def test_the_page_is_private_and_shows_no_text_of_others_as_code(file: Path) -> None:
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "<script>x" not in text
    assert "\x1b" not in text


def test_a_changed_ledger_gets_no_page(pair: Pair, tmp_path: Path) -> None:
    home = pair.backup("changed")
    path = home / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"bytes":1000', b'"bytes":1001'))
    target = tmp_path / "ledger.html"
    done = CliRunner().invoke(main, ["--home", str(home), "ledger", "--html", str(target)])
    assert done.exit_code != 0
    assert not target.exists()


def test_an_empty_ledger_says_that_nothing_has_left(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    write_page(tmp_path / "p.html", "a", made.ledger.entries(), made.ledger.verify())
    assert "Nothing has left this site." in (tmp_path / "p.html").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        made = p.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@needs_browser
def test_the_summary_comes_first_and_the_filter_works_without_a_network(
    browser: object, file: Path
) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 1200})  # type: ignore[attr-defined]
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.on("request", lambda r: asked.append(r.url))
    page.goto(file.as_uri())
    rows = page.locator("#summary tbody tr")
    cells = [rows.nth(i).locator("th, td").all_inner_texts() for i in range(rows.count())]
    (update,) = [c for c in cells if c[0] == WORDS["update"]]
    assert update[1:4] == ["coordinator", "2", "1234"]
    assert update[6] == "study-7 until 2027-01-31"
    shown = page.locator("#entries tbody tr:visible")
    assert shown.count() == 8
    page.select_option("#run", "t2-2")
    assert shown.count() == 3
    assert page.locator("#shown").inner_text() == "3 entries"
    page.select_option("#direction", "in")
    assert shown.count() == 1
    page.select_option("#run", "")
    page.select_option("#direction", "")
    page.fill("#from", "2000-01-01")
    assert shown.count() == 8
    page.fill("#to", "2000-01-02")
    assert shown.count() == 0
    assert said == []
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    page.close()


@needs_browser
def test_the_page_is_accessible_and_prints_every_entry(browser: object, file: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(viewport={"width": 390, "height": 800})  # type: ignore[attr-defined]
    page.goto(file.as_uri())
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found] == []
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.locator("#entries tbody tr:visible").count() == 8
    page.close()


def test_the_page_gives_the_reason_of_a_gap(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.asked("r")
    (made.home / "ledger.jsonl").unlink()
    made.restart()
    made.ledger.acknowledge_gap("the disk failed on Monday")
    path = tmp_path / "ledger.html"
    done = CliRunner().invoke(main, ["--home", str(made.home), "ledger", "--html", str(path)])
    assert done.exit_code == 0, done.output
    text = path.read_text(encoding="utf-8")
    assert "is missing. Reason: the disk failed on Monday</li>" in text
    assert f"<td>{words_of('gap')}: the disk failed on Monday</td>" in text
