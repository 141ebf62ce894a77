"""The report of a validation run, or of a score table: report."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.common.console import command, say
from hepafed.common.errors import UsageError
from hepafed.server.cli.access import access_option, remote_of

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote
    from hepafed.server.formats import Report


@click.command()
@click.argument("run", default="")
@click.option(
    "--scores", type=click.Path(path_type=Path), help="Report on a score table instead of a run."
)
@click.option(
    "--label-map",
    "labels",
    metavar="FILE|PAIRS",
    help="Classes of the words in truth: a file, or HCC=primary_malignant,cyst=benign.",
)
@click.option("--threshold", default=0.5, show_default=True, help="Operating point for --scores.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Another model's scores of the same lesions, to compare; may be given again.",
)
@click.option(
    "--prevalence", type=float, multiple=True, help="Also state PPV and NPV at this prevalence."
)
@click.option("--margin", type=float, help="Non-inferiority margin against --against and readers.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Report folder.")
@access_option
@click.pass_context
@command
def report(
    ctx: click.Context,
    run: str,
    scores: Path | None,
    labels: str | None,
    threshold: float,
    against: tuple[Path, ...],
    prevalence: tuple[float, ...],
    margin: float | None,
    folder: Path | None,
    access: Path | None,
) -> None:
    """Write the report of a validation run, or of a score table.

    \b
    Example:
      server report validate-1a2b3c -o report
      server report --scores t2.csv --against t2-dwi.csv --threshold 0.5 -o report
    """
    if bool(run) == bool(scores):
        raise UsageError("name a run, or a score table with --scores", "server report --help")
    if scores is not None:
        given = {"--threshold": (threshold,), "--prevalence": prevalence, "--margin": (margin,)}
        for option, values in given.items():
            if any(v is not None and not 0 <= v <= 1 for v in values):
                raise UsageError(f"{option} is outside 0…1", "e.g. 0.5")
        made = _from_scores((scores, *against), labels, threshold, prevalence, margin)
        write(made, folder or Path("report"))
        return
    if against or prevalence or margin is not None or labels is not None:
        raise UsageError(
            "--against, --prevalence, --margin and --label-map go with --scores",
            "a run's are in its evaluation.toml",
        )
    write(report_of(remote_of(ctx, access), run), folder or Path(f"report-{run}"))


def _from_scores(
    tables: tuple[Path, ...],
    labels: str | None,
    threshold: float,
    prevalences: tuple[float, ...],
    margin: float | None,
) -> "Report":
    from hepafed.common.statistics import TASK_ORDER, label_map, read_scores
    from hepafed.server.pooling import Questions
    from hepafed.server.report import report_from_scores

    names = [t.stem for t in tables]
    if len(set(names)) < len(names):
        raise UsageError("two score tables have the same name", "the names tell the models apart")
    words = label_map(labels) if labels is not None else {}
    first, *others = [read_scores(t, words) for t in tables]
    for name, table in zip(names, (first, *others), strict=True):
        for note in table.notes:
            say(f"{name}: {note}")
    return report_from_scores(
        first,
        threshold,
        name=names[0],
        against=dict(zip(names[1:], others, strict=True)),
        questions=Questions(
            margin=margin,
            prevalences=prevalences,
            model_margins={}
            if margin is None
            else {(name, *task): margin for name in names[1:] for task in TASK_ORDER},
        ),
    )


def report_of(remote: "Remote", run: str) -> "Report":
    """Fetch the report of a validation."""
    from hepafed.server.formats import read_report

    return read_report(remote.get(f"/api/runs/{run}/report"))


def write(report: "Report", folder: Path) -> None:
    """Write a report into `folder` and say its main figures."""
    from hepafed.server.report import summary_lines, write_report

    page = write_report(report, folder)
    for line in summary_lines(report):
        say(line)
    say(f"report {page.absolute()}")
