"""The citation is a Citation File Format file with what the report knows, and no author's name."""

from typing import Any

import yaml
from hepafed.server.formats import read_report
from hepafed.server.report.files.citation import citation_cff

DIGEST = "0f" * 32


def cited(values: dict[str, Any], title: str = 'A "title": x') -> dict[str, Any]:
    return dict(yaml.safe_load(citation_cff(read_report(values), title, DIGEST)))


def test_a_federations_report_is_cited_by_its_digests(federated: dict[str, Any]) -> None:
    made = cited(federated)
    assert (made["cff-version"], made["type"], made["title"]) == (
        "1.2.0",
        "dataset",
        'A "title": x',
    )
    assert made["date-released"] == "2026-03-02"
    held = {i["value"] for i in made["identifiers"]}
    known = (DIGEST, federated["model"]["sha256"], federated["evaluation"]["sha256"])
    assert held == {f"sha256:{d}" for d in known}
    assert made["references"][0]["version"] == federated["provenance"]["software"]["hepafed"]


def test_what_a_score_table_does_not_know_is_left_out(plain: dict[str, Any]) -> None:
    made = cited(plain)
    assert "date-released" not in made
    assert [i["value"] for i in made["identifiers"]] == [f"sha256:{DIGEST}"]
    assert made["authors"] == [{"name": "Authors to be named"}]
