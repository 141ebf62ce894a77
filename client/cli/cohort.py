"""The verbs of a site's cohort: cohort, review, remove."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_json, stages, table
from hepafed.common.errors import UsageError

if TYPE_CHECKING:
    from hepafed.client.quality import Quality


@click.command()
@click.option(
    "--quality", is_flag=True, help="Also look for outliers, duplicates, leaks and shortcuts."
)
@click.option("--html", type=click.Path(path_type=Path), help="Write a contact sheet (images!).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.option("--series", "list_series", is_flag=True, help="List the series that were examined.")
@click.option(
    "--explain",
    metavar="SERIES",
    default="",
    help="Show which rule gave a series (as --series lists it) its sequence, and why.",
)
@click.pass_context
@command
def cohort(
    ctx: click.Context,
    quality: bool,
    html: Path | None,
    as_json: bool,
    list_series: bool,
    explain: str,
) -> None:
    """Count the lesions by class, split, protocol, sequence and scanner.

    --html writes one page for a radiologist: a picture of every lesion in every sequence, and
    inconsistencies in an examination. It names no patient, but it shows images: keep
    it in the hospital.

    \b
    Example:
      client cohort --quality
      client cohort --html cohort.html
      client cohort --explain 5f0c2a9b71
    """
    from hepafed.client.cohort import Cohort

    if list_series or explain:
        _explain_series(home_of(ctx), explain)
        return
    store = Cohort.open(home_of(ctx))
    if html is not None:
        from hepafed.client.quality import contact_sheet
        from hepafed.common.files import write_whole

        write_whole(html, contact_sheet(store), private=True)
        say(f"wrote {html}; open it in a browser, and keep it in the hospital")
        return
    counts = store.counts()
    found = None
    if quality:
        from hepafed.client.quality import quality as look

        found = look(store)
    if as_json:
        say_json(json.dumps(counts | ({"quality": asdict(found)} if found else {})))
        return
    for heading, values in counts.items():
        if isinstance(values, dict):
            table((heading, "count"), [(str(k), str(v)) for k, v in values.items()])
        else:
            say(f"{heading}: {values}")
    if found is not None:
        _say_quality(found)


def _say_quality(found: "Quality") -> None:
    table(("scanner", "examinations"), [(k, str(n)) for k, n in found.scanners.items()])
    table(("b-values", "examinations"), [(k, str(n)) for k, n in found.b_values.items()])
    table(
        ("sequence", "between slices, mm (10, 50, 90 %)", "in the plane, mm (10, 50, 90 %)"),
        [(k, *(" · ".join(map(str, q)) for q in v)) for k, v in found.spacing.items()],
    )
    for audited in found.shortcuts:
        say(f"class told from {audited.known}: {audited.text}")
    for finding in found.findings:
        say(f"{finding.kind}: {finding.where}: {finding.text}")
    for hint in dict.fromkeys(f.hint for f in found.findings):
        say(f"hint: {hint}")
    say(f"findings: {len(found.findings)}")


def _explain_series(home: Path, wanted: str) -> None:
    """List the series, or explain one; by pseudonym, shortened to ten digits."""
    from hepafed.client.scan import known_series

    known = known_series(home)
    if not wanted:
        rows = [(s[:10], e[:10], q or "set aside", str(n)) for s, e, n, q, _ in known]
        table(("series", "examination", "sequence", "files"), rows)
        return
    found = [(s, lines) for s, _, _, _, lines in known if s.startswith(wanted)]
    if len(wanted) < 4 or len({s for s, _ in found}) != 1:
        raise UsageError(f"no such series: {wanted[:40]}", "client cohort --series lists them")
    for _, lines in found:
        say(lines)


@click.command()
@click.argument("run")
@click.option("--most", default=50, show_default=True, help="Largest number of lesions shown.")
@click.option("--no-occlusion", is_flag=True, help="Leave out the slower of the two maps.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page to write.")
@click.pass_context
@command
def review(
    ctx: click.Context, run: str, most: int, no_occlusion: bool, output: Path | None
) -> None:
    """Show a radiologist the malignant lesions that a validated model missed here.

    The page holds patient images and stays in the hospital: nothing of it is ever sent.

    \b
    Example:
      client review validate-1f791d
    """
    from hepafed.client.review import review as write_page

    home = home_of(ctx)
    target = output or home / "reviews" / f"{run}.html"
    with stages() as stage:
        missed, shown = write_page(
            home,
            run,
            target,
            most=most,
            occlusion=not no_occlusion,
            progress=lambda done, total: stage("lesions", done, total),
        )
    say(f"{missed} malignant lesions missed; {shown} shown in {target}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.pass_context
@command
def remove(ctx: click.Context, file: Path) -> None:
    """Remove patients who withdrew their consent.

    FILE has one patient_id on each line; `-` reads standard input (patient ids must not appear on
    the command line). The patients' lesions, acquisitions, splits and crops are removed from the
    cohort store, and their rows from the stored score tables. The site guide says what cannot be
    undone.

    \b
    Example:
      client remove withdrawn.txt
    """
    from hepafed.client.remove import read_ids
    from hepafed.client.remove import remove as take_out

    done = take_out(home_of(ctx), read_ids(file))
    say(
        f"removed: {done.patients} patients, {done.lesions} lesions; "
        f"unknown here: {done.unknown} ids"
    )
    say(
        f"also: their rows of {done.tables} score tables, {done.pages} review pages, "
        f"{done.files} fetched files"
    )
    if done.patients:
        say("not undone: models already trained, data already sent, and your own files")
        say("models validated here before may be refused from now on: the cohort has changed")
        say("next: also delete these patients from labels.csv and the export")
        say("otherwise the next ingest adds them again")
    else:
        say("next: compare the ids with the labels table; they must be written as in that table")
