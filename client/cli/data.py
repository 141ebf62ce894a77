"""The verbs of a site's data: inspect, ingest, cohort, review."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, say, say_json, stages, table
from hepafed.common.errors import CohortError, UsageError

if TYPE_CHECKING:
    from hepafed.client.quality import Quality


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def inspect(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Say what HepaFed would make of an export folder; writes nothing.

    \b
    Example:
      client inspect /export --json
    """
    from hepafed.client.dicom.roles import read_overrides
    from hepafed.client.ingest import inspect as look

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name the folder of an export")
    home = home_of(ctx)
    found = look(folder, read_overrides(home), {home.resolve()})
    if as_json:
        say_json(json.dumps(found, allow_nan=False))
        return
    rows = [
        (v["sequence"] or "other", "×".join(map(str, v["shape"])), str(len(v["files"])))
        for v in found["volumes"]
    ]
    table(("sequence", "slices×rows×columns", "files"), rows)
    for outcome in ("taken", "set-aside", "refused"):
        reasons: dict[str, int] = {}
        for f in found["files"]:
            if f["outcome"] == outcome:
                reasons[f["reason"]] = reasons.get(f["reason"], 0) + 1
        say(f"{outcome}: {sum(reasons.values())} files")
        for reason, count in sorted(reasons.items()):
            if reason:
                say(f"  {count} × {reason}")
    say("next: client join SITE.invite")


@click.command()
@click.option("--dicom", type=click.Path(path_type=Path), help="Folder of DICOM files.")
@click.option("--pacs", type=click.Path(path_type=Path), help="pacs.toml: fetch from the PACS.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of exported key images.")
@click.option("--lld-mmri", type=click.Path(path_type=Path), help="Folder of the public data set.")
@click.option("--labels", type=click.Path(path_type=Path), help="CSV of lesions.")
@click.option("--sequence", default="t2", show_default=True, help="Sequence of --images.")
@click.option("--label-map", default="", help="For --images: a=benign,b=metastatic,…")
@click.option("--where", default="", help="For --images: rows to take, e.g. site=hospital-a.")
@click.option("--group-column", default="patient_id", show_default=True, help="The patient.")
@click.option("--file-column", default="file", show_default=True, help="The image's path.")
@click.option("--label-column", default="label", show_default=True, help="The class.")
@click.option(
    "--left",
    type=click.Path(path_type=Path),
    help="Write a CSV of every file that was not taken, with its path (identifying).",
)
@click.option("--processes", default=0, help="Processes that read; 0: one a core.")
@click.pass_context
@command
def ingest(
    ctx: click.Context,
    dicom: Path | None,
    pacs: Path | None,
    images: Path | None,
    lld_mmri: Path | None,
    labels: Path | None,
    sequence: str,
    label_map: str,
    where: str,
    group_column: str,
    file_column: str,
    label_column: str,
    left: Path | None,
    processes: int,
) -> None:
    """Build or extend the cohort store; nothing identifying is kept.

    Stopped or killed at any moment, the same command goes on where it was; files that were read
    before are not read again.

    \b
    Example:
      client ingest --dicom /export --labels labels.csv
      client ingest --pacs pacs.toml --labels labels.csv
      client ingest --images . --labels labels.csv --label-map glioma=benign
      client ingest --lld-mmri /data/LLD-MMRI
    """
    if sum(source is not None for source in (dicom, pacs, images, lld_mmri)) != 1:
        raise UsageError(
            "name one of --dicom, --pacs, --images and --lld-mmri", "client ingest --help"
        )
    if (labels is None) == (lld_mmri is None):
        raise UsageError(
            "--labels goes with --dicom, --pacs and --images, and only there",
            "LLD-MMRI has its labels in Annotation.json",
        )
    home = home_of(ctx)
    with stages() as stage:
        if lld_mmri is not None:
            from hepafed.client.ingest import ingest_lld_mmri

            report = ingest_lld_mmri(
                home,
                lld_mmri,
                lambda done, total: stage("examinations", done, total),
                workers=processes,
            )
        elif dicom is not None and labels is not None:
            from hepafed.client.ingest import ingest_dicom

            report = ingest_dicom(home, dicom, labels, stage, workers=processes, left=left)
        elif pacs is not None and labels is not None:
            from hepafed.client.pacs import ingest_pacs

            fetched, report = ingest_pacs(home, pacs, labels, stage, workers=processes, left=left)
            say(fetched.text)
        else:
            from hepafed.client.ingest import ingest_images

            report = ingest_images(
                home,
                images or Path(),
                labels or Path(),
                sequence=sequence,
                label_map=_pairs(label_map),
                where=_pairs(where),
                group_column=group_column,
                file_column=file_column,
                label_column=label_column,
                progress=lambda done, total: stage("pictures", done, total),
            )
    for what, why in report.left:
        say(f"left: {what}: {why}")
    for warning in report.warnings:
        say(f"warning: {warning}")
    if left is not None:
        say(f"every file that was left: {left} (keep it in the hospital: paths can name patients)")
    if report.taken == 0:
        raise CohortError("no lesion could be taken", "see the reasons above, and client inspect")
    say(f"taken: {report.taken} lesions")
    say("next: client cohort, then client start")


def _pairs(text: str) -> dict[str, str]:
    made = {}
    for pair in filter(None, text.split(",")):
        key, found, value = pair.partition("=")
        if not found or not key or not value:
            raise UsageError(f"{pair[:60]!r} is not KEY=VALUE", "e.g. glioma=benign,cyst=benign")
        made[key.strip()] = value.strip()
    return made


@click.command()
@click.option("--quality", is_flag=True, help="Look for outliers, duplicates and leaks as well.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a contact sheet (images!).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.option("--series", "list_series", is_flag=True, help="List the series that were looked at.")
@click.option(
    "--explain",
    metavar="SERIES",
    default="",
    help="Say which rule gave a series (as --series lists it) its sequence, and why.",
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
    what in an examination does not fit together. It names no patient, but it shows images: keep
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
    for finding in found.findings:
        say(f"{finding.kind}: {finding.where}: {finding.text}")
    for hint in dict.fromkeys(f.hint for f in found.findings):
        say(f"hint: {hint}")
    say(f"findings: {len(found.findings)}")


def _explain_series(home: Path, wanted: str) -> None:
    """List the series, or explain one; by pseudonym, shortened to ten digits."""
    from hepafed.client.ingest import known_series

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
@click.option("--most", default=50, show_default=True, help="Lesions shown at most.")
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
