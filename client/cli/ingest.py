"""The verbs of a site's images: inspect, ingest."""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.client.home import home_of
from hepafed.common.console import command, complain_of_room, say, say_json, stages, table
from hepafed.common.errors import CohortError, UsageError
from hepafed.common.room import waiting_for_room

if TYPE_CHECKING:
    from hepafed.client.ingest import IngestReport


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")
@click.pass_context
@command
def inspect(ctx: click.Context, folder: Path, as_json: bool) -> None:
    """Show how HepaFed reads an export folder; write nothing.

    \b
    Example:
      client inspect /export --json
    """
    from hepafed.client.dicom.roles import read_overrides
    from hepafed.client.ingest import inspect as look

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name the folder of the export")
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
@click.option(
    "--label-map",
    default="",
    help="For --images: the class of each label, e.g. cyst=benign,crlm=metastatic.",
)
@click.option("--where", default="", help="For --images: rows to use, e.g. site=hospital-a.")
@click.option(
    "--group-column", default="patient_id", show_default=True, help="Column of the patient."
)
@click.option(
    "--file-column", default="file", show_default=True, help="Column of the image's path."
)
@click.option("--label-column", default="label", show_default=True, help="Column of the class.")
@click.option(
    "--left",
    type=click.Path(path_type=Path),
    help="Write a CSV of every file that was not used, with its path (identifying).",
)
@click.option("--processes", default=0, help="Number of reading processes; 0: one for each core.")
@click.pass_context
@command
def ingest(
    ctx: click.Context,
    /,
    dicom: Path | None,
    pacs: Path | None,
    images: Path | None,
    lld_mmri: Path | None,
    labels: Path | None,
    left: Path | None,
    processes: int,
    **pictures: str,
) -> None:
    """Build or extend the cohort store; nothing identifying is kept.

    After an interruption, run the same command again: it continues where it stopped. Files that
    were read before are not read again.

    \b
    Example:
      client ingest --dicom /export --labels labels.csv
      client ingest --pacs pacs.toml --labels labels.csv
      client ingest --images . --labels labels.csv --label-map glioma=benign
      client ingest --lld-mmri /data/LLD-MMRI
    """
    _check_sources([dicom, pacs, images, lld_mmri], labels, wants_labels=lld_mmri is None)
    home = home_of(ctx)
    with waiting_for_room(complain_of_room), stages() as stage:
        if lld_mmri is not None:
            from hepafed.client.ingest import ingest_lld_mmri

            shown = functools.partial(stage, "examinations")
            report = ingest_lld_mmri(home, lld_mmri, shown, workers=processes)
        elif dicom is not None and labels is not None:
            from hepafed.client.ingest import ingest_dicom

            report = ingest_dicom(home, dicom, labels, stage, workers=processes, left=left)
        elif pacs is not None and labels is not None:
            from hepafed.client.pacs import ingest_pacs

            fetched, report = ingest_pacs(home, pacs, labels, stage, workers=processes, left=left)
            say(fetched.text)
        else:
            shown = functools.partial(stage, "pictures")
            report = _ingest_pictures(home, images or Path(), labels or Path(), shown, **pictures)
    _say_report(report, left)
    _say_excluded(home)


def _check_sources(
    sources: Sequence[Path | None], labels: Path | None, *, wants_labels: bool
) -> None:
    if sum(source is not None for source in sources) != 1:
        raise UsageError(
            "name exactly one of --dicom, --pacs, --images and --lld-mmri", "client ingest --help"
        )
    if (labels is not None) != wants_labels:
        raise UsageError(
            "--labels is needed with --dicom, --pacs and --images, and is not used with --lld-mmri",
            "LLD-MMRI has its labels in Annotation.json",
        )


def _ingest_pictures(
    home: Path,
    images: Path,
    labels: Path,
    progress: Callable[[int, int], None],
    *,
    label_map: str,
    where: str,
    **columns: str,
) -> "IngestReport":
    from hepafed.client.ingest import ingest_images

    return ingest_images(
        home,
        images,
        labels,
        label_map=_pairs(label_map),
        where=_pairs(where),
        progress=progress,
        **columns,
    )


def _say_report(report: "IngestReport", left: Path | None) -> None:
    for what, why in report.left:
        say(f"left: {what}: {why}")
    for warning in report.warnings:
        say(f"warning: {warning}")
    if left is not None:
        say(
            f"files that were not used are listed in {left} (keep it in the hospital: paths can "
            "name patients)"
        )
    if report.taken == 0:
        raise CohortError("no lesion could be used", "see the reasons above, and client inspect")
    say(f"taken: {report.taken} lesions")


def _say_excluded(home: Path) -> None:
    from hepafed.client.cohort import Cohort

    excluded = len(Cohort.open(home).excluded())
    if excluded:
        say(f"{excluded} lesions of the cohort are excluded and not used (client cohort --exclude)")
    say("next: client cohort, then client start")


def _pairs(text: str) -> dict[str, str]:
    made = {}
    for pair in filter(None, text.split(",")):
        key, found, value = pair.partition("=")
        if not found or not key or not value:
            raise UsageError(f"{pair[:60]!r} is not KEY=VALUE", "e.g. glioma=benign,cyst=benign")
        made[key.strip()] = value.strip()
    return made
