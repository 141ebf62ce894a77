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
@click.option(
    "--exclude",
    "excluded",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take the lesions of a list out of all use.",
)
@click.option(
    "--include",
    "included",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Use excluded lesions of a list again.",
)
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
    excluded: Path | None,
    included: Path | None,
    as_json: bool,
    list_series: bool,
    explain: str,
) -> None:
    """Count the lesions by class, split, protocol, sequence and scanner.

    --html writes one page for a radiologist: every lesion with its box in every sequence, and
    inconsistencies in an examination, the doubtful first. It names no patient, but it shows
    images: keep it in the hospital.

    --exclude takes lesions that a radiologist found wrong out of training, validations and every
    count, also after a later ingest. FILE is the list that the page saved, or a table with the
    columns patient_id, lesion_id and, if you like, reason. --include takes them back.

    \b
    Example:
      client cohort --quality
      client cohort --html cohort.html
      client cohort --exclude exclude.csv
      client cohort --explain 5f0c2a9b71
    """
    actions = [excluded, included, html, quality or as_json, list_series or explain]
    if (excluded or included) and sum(map(bool, actions)) > 1:
        raise UsageError(
            "--exclude and --include go with no other option", "use one option at a time"
        )
    home = home_of(ctx)
    if excluded or included:
        _change(home, excluded, included)
    elif list_series or explain:
        _explain_series(home, explain)
    elif html is not None:
        _write_sheet(home, html)
    else:
        _say_counts(home, quality=quality, as_json=as_json)


def _write_sheet(home: Path, html: Path) -> None:
    from hepafed.client.cohort import Cohort
    from hepafed.client.quality import contact_sheet
    from hepafed.common.files import write_whole

    write_whole(html, contact_sheet(Cohort.open(home)), private=True)
    say(f"wrote {html}; open it in a browser, and keep it in the hospital")


def _say_counts(home: Path, *, quality: bool, as_json: bool) -> None:
    from hepafed.client.cohort import Cohort

    store = Cohort.open(home)
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


def _change(home: Path, excluded: Path | None, included: Path | None) -> None:
    """Exclude the lesions of a list or include them again, and say what the cohort is now."""
    from hepafed.client.cohort import Cohort
    from hepafed.client.exclude import exclude, include

    if excluded is not None:
        done = exclude(home, excluded)
        say(f"excluded: {done.changed} lesions; {done.named - done.changed} were excluded before")
    elif included is not None:
        done = include(home, included)
        say(f"included again: {done.changed} lesions; {done.named - done.changed} were in use")
    counts = Cohort.open(home).counts()
    say(
        f"the cohort is now: {counts['patients']} patients, {counts['lesions']} lesions; "
        f"{counts['excluded']} lesions are excluded"
    )
    if done.changed:
        say("not undone: models already trained, and data already sent")
        say("models validated here before may be refused from now on: the cohort has changed")


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
