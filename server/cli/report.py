"""The report of a validation run, or of a score table: report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.common.console import command, say
from hepafed.common.errors import PayloadError, ReportError, UsageError
from hepafed.server.cli.access import access_of_environment, access_option, remote_of

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote
    from hepafed.server.formats import Report
    from hepafed.server.report import Signed


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
@click.option(
    "--verify",
    "checked",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Check a report's folder: digests, signature, CSV files against report.json.",
)
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
    checked: Path | None,
    access: Path | None,
) -> None:
    """Write the report of a validation run, or of a score table; or check a written one.

    --verify ends with 0 where everything is as it was written, with 1 where something is not, and
    with 2 where there is nothing to check. With --access, or $HEPAFED_ACCESS, it also asks whose
    signature it is.

    \b
    Example:
      server report validate-1a2b3c -o report
      server report --scores t2.csv --against t2-dwi.csv --threshold 0.5 -o report
      server report --verify report
    """
    if checked is not None:
        if run or scores or against or folder:
            raise UsageError("--verify takes a folder and nothing else", "server report --help")
        verify(checked, access or access_of_environment())
        return
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
    made, signed = fetched(remote_of(ctx, access), run)
    write(made, folder or Path(f"report-{run}"), signed)


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


def fetched(remote: "Remote", run: str) -> "tuple[Report, Signed | None]":
    """Fetch the report of a validation, and the coordinator's signature where it has signed.

    Raises
    ------
    RunError
        It is no report that this release reads.
    PayloadError
        The answer is not what was asked for.
    """
    from hepafed.server.formats import read_report
    from hepafed.server.report import Signed

    answer = remote.get(f"/api/runs/{run}/report", signed="yes")
    if not isinstance(answer, dict) or "text" not in answer:  # of a coordinator before signatures
        return read_report(answer), None
    text, signature = answer["text"], answer.get("signature")
    try:
        report = read_report(json.loads(text))
    except (TypeError, ValueError) as e:
        raise PayloadError("the coordinator's report is not JSON") from e
    if not signature:
        return report, None
    return report, Signed(text=text, signature=str(signature), certificate=remote.access.ca)


def verify(folder: Path, access: Path | None) -> None:
    """Check a report's folder and say what was found.

    Raises
    ------
    ReportError
        Something is not as it was written.
    """
    from hepafed.common.contract import Access, read_toml
    from hepafed.server.report import verify_report

    hint = "name the access file of the report's coordinator"
    authority = read_toml(Access, access, hint).ca if access else ""
    found = verify_report(folder, authority)
    for line in found.passed:
        say(f"ok: {line}")
    for line in found.problems:
        say(f"not ok: {line}")
    if found.problems:
        count = len(found.problems)
        raise ReportError(
            f"{folder} is not as it was written: {count} problem{'s' if count > 1 else ''}",
            "write it again from its run or its table: server report RUN -o ANOTHER_FOLDER, or "
            "server report --scores TABLE -o ANOTHER_FOLDER",
        )


def write(report: "Report", folder: Path, signed: "Signed | None" = None) -> None:
    """Write a report into `folder` and say its main figures."""
    from hepafed.server.report import summary_lines, write_report

    page = write_report(report, folder, signed)
    for line in summary_lines(report):
        say(line)
    say(f"report {page.absolute()}")
