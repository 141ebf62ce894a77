"""How the report is cited: citation.cff (Citation File Format 1.2.0)."""

import json
from collections.abc import Iterator

from hepafed.server.formats import Report


def citation_cff(report: Report, title: str, sha256: str) -> str:
    """Write the citation of a report whose report.json has this SHA-256.

    Who its authors are the program does not know: the file says where they write their names.
    """
    return "\n".join(_lines(report, title, sha256)) + "\n"


def _lines(report: Report, title: str, sha256: str) -> Iterator[str]:
    created, version = report.provenance.created, (report.provenance.software or {}).get("hepafed")
    yield "cff-version: 1.2.0"
    yield f"message: {_text('To cite this report, use the names of its authors and this title.')}"
    yield "type: dataset"
    yield f"title: {_text(title)}"
    yield "authors:  # to be completed: family-names, given-names, orcid of each author"
    yield f"  - name: {_text('Authors to be named')}"
    if created:
        yield f"date-released: {_text(created[:10])}"
    yield "identifiers:"
    yield from _identifier(sha256, "SHA-256 of report.json")
    if report.model.sha256:
        yield from _identifier(report.model.sha256, f"SHA-256 of the model {report.model.id}")
    if report.evaluation:
        yield from _identifier(report.evaluation.sha256, "SHA-256 of the registered evaluation")
    yield "references:"
    yield "  - type: software"
    yield "    title: HepaFed"
    if version:
        yield f"    version: {_text(version)}"
    yield "    license: Apache-2.0"
    yield "    authors:"
    yield f"      - name: {_text('HepaFed contributors')}"


def _identifier(digest: str, description: str) -> Iterator[str]:
    yield "  - type: other"
    yield f"    value: {_text(f'sha256:{digest}')}"
    yield f"    description: {_text(description)}"


def _text(words: str) -> str:
    """Return a YAML double-quoted scalar; JSON's strings are such (YAML 1.2, 1.3)."""
    return json.dumps(words, ensure_ascii=False)
