"""A report's files hold its figures, fit the schema, load nothing and hide nothing."""

import copy
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hepafed.common.errors import RunError
from hepafed.common.statistics.scores import read_scores
from hepafed.server.formats import read_report
from hepafed.server.report.from_scores import report_from_scores
from hepafed.server.report.page import SECTIONS, render
from hepafed.server.report.write import SCHEMA, check_report, write_report
from jsonschema import Draft202012Validator

ORACLES = Path(__file__).parents[3].parent / "shared/data/oracles"
NEEDS_ORACLES = pytest.mark.skipif(not ORACLES.exists(), reason="../shared/data/oracles is absent")


class Page(HTMLParser):
    """What of a page a test asks for: tags with attributes, headings, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_a_report_from_scores_and_a_federations_fit_the_schema(
    plain: dict[str, Any], federated: dict[str, Any]
) -> None:
    check_report(plain)
    check_report(federated)


@NEEDS_ORACLES
@pytest.mark.parametrize("path", sorted(ORACLES.glob("*.csv")), ids=lambda p: p.stem)
def test_every_oracle_table_makes_a_report_that_fits(path: Path, tmp_path: Path) -> None:
    page = write_report(report_from_scores(read_scores(path), 0.5), tmp_path, dpi=40)
    assert "<h1>" in page.read_text()


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("results", 0, "auc", "value"), 1.5),
        (("results", 0, "auc", "value"), None),
        (("results", 0, "sensitivity", "numerator"), -1),
        (("results", 0, "scope"), "everywhere"),
        (("sites", 0, "patients"), 3.5),
        (("look", "number"), 0),
        (("evaluation", "endpoints", 0, "verdict"), "splendid"),
        (("evaluation", "sha256"), "none"),
        (("schema",), "hepafed.report/2"),
    ],
    ids=lambda v: ".".join(map(str, v)) if isinstance(v, tuple) else repr(v),
)
def test_a_report_that_does_not_fit_is_not_written(
    federated: dict[str, Any], tmp_path: Path, where: tuple[Any, ...], value: object
) -> None:
    bad = copy.deepcopy(federated)
    at: Any = bad
    for step in where[:-1]:
        at = at[step]
    at[where[-1]] = value
    with pytest.raises(RunError, match="schema"):
        write_report(read_report(bad), tmp_path, dpi=40)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_that_is_not_finite_is_not_written(plain: dict[str, Any], tmp_path: Path) -> None:
    bad = copy.deepcopy(plain)
    bad["results"][0]["auc"]["value"] = float("nan")
    with pytest.raises(RunError, match="finite"):
        write_report(read_report(bad), tmp_path, dpi=40)
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_one_file_that_loads_nothing(page_text: str) -> None:
    text = page_text
    page = Page(text)
    for tag, attributes in page.tags:
        if attributes == {"rel": "icon", "href": "data:,"}:
            continue  # an empty icon of its own, so that no browser asks a server for one
        assert tag not in ("script", "img", "iframe", "object", "embed", "link"), tag
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "url(" not in text
    assert "@import" not in text


def test_every_drawing_has_a_role_a_title_and_a_description_and_a_table(
    page_text: str,
) -> None:
    text = page_text
    drawings = re.findall(r"<figure id=\"fig-([\w-]+)\">(.*?)</figure>", text, flags=re.DOTALL)
    assert len(drawings) == 6
    for name, inner in drawings:
        assert "<svg" in inner, name
        assert 'role="img"' in inner
        labelled = re.search(r'aria-labelledby="(\S+) (\S+)"', inner)
        assert labelled is not None
        for identity in labelled.groups():
            assert f'id="{identity}"' in inner
        assert "<details>" in inner
        assert '<th scope="col">' in inner


def test_headings_go_down_one_level_at_a_time_and_every_section_has_its_own(
    page_text: str,
) -> None:
    page = Page(page_text)
    levels = [int(t[1]) for t, _ in page.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    anchors = [a.get("id") for t, a in page.tags if t == "h2"]
    assert anchors == [a for a, _ in SECTIONS]


def test_every_link_and_label_of_the_page_leads_to_one_place(page_text: str) -> None:
    page = Page(page_text)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        target = attributes.get("href") or ""
        if target.startswith("#"):
            assert target[1:] in ids
        for word in (attributes.get("aria-labelledby") or "").split():
            assert word in ids


def test_every_table_has_a_caption_and_scoped_heads(page_text: str) -> None:
    text = page_text
    made = re.findall(r"<table[^>]*>(.*?)</table>", text, flags=re.DOTALL)
    assert len(made) > 10
    for table in made:
        assert table.lstrip().startswith("<caption>")
        assert not re.search(r"<th(?! scope=\"(?:col|row)\")[ >]", table)


def test_the_page_says_what_was_promised_who_was_absent_and_which_look_it_is(
    federated: dict[str, Any], page_text: str
) -> None:
    words = " ".join(" ".join(Page(page_text).words).split())
    promised = federated["evaluation"]
    for said in (
        promised["sha256"],
        "2026-03-01T09:30:00Z",
        "Analysis 2",
        "validate-0a0b0c",
        "Registered but absent: site-4",
        "site-4, all figures : offline".replace(" :", ":"),
        "External validation of t2-dwi",
        "primary",
    ):
        assert said in words, said


def test_without_an_evaluation_every_figure_is_called_exploratory(plain: dict[str, Any]) -> None:
    assert "Every figure of this report is exploratory" in render(read_report(plain))


def test_the_pooled_figures_of_the_page_are_those_of_the_report(plain: dict[str, Any]) -> None:
    words = " ".join(Page(render(read_report(plain))).words)
    for r in plain["results"]:
        if r["scope"] == "pooled" and r["auc"]["value"] is not None:
            assert f"{r['auc']['value']:.2f}" in words


def test_the_bound_of_every_pooled_auc_is_printed(federated: dict[str, Any]) -> None:
    wide = copy.deepcopy(federated)
    rows = [r for r in wide["results"] if r["scope"] == "pooled"]
    for i, r in enumerate(rows):
        r["auc"]["binning_error"] = 0.0111 + i / 1000
    text = render(read_report(wide))
    for r in rows:
        assert f"±{r['auc']['binning_error']:.3f}" in text


def test_a_figure_that_cannot_be_computed_is_listed_with_its_reason(
    federated: dict[str, Any],
) -> None:
    bare = copy.deepcopy(federated)
    auc = bare["results"][0]["auc"]
    auc |= {"value": None, "low": None, "high": None, "reason": "one class only"}
    bare["results"][0].pop("roc", None)
    words = " ".join(Page(render(read_report(bare))).words)
    assert "Pooled: AUC of “Patient: malignant vs benign”: one class only" in words


def test_text_of_others_is_escaped_in_page_and_drawings(federated: dict[str, Any]) -> None:
    evil = '<script>alert("x")</script>'
    bad = json.loads(json.dumps(federated).replace("site-1", json.dumps(evil)[1:-1]))
    page = Page(render(read_report(bad)))
    assert not any(t == "script" for t, _ in page.tags)
    assert any(evil in w for w in page.words)


def test_a_federations_report_comes_with_its_model_card(
    federated: dict[str, Any], plain: dict[str, Any], written: Path, tmp_path: Path
) -> None:
    card = (written / "model-card.md").read_text()
    for line in (federated["model"]["sha256"], "## Intended use", "Not a medical device"):
        assert line in card
    write_report(read_report(plain), tmp_path / "plain", dpi=40)
    assert not (tmp_path / "plain/model-card.md").exists()
