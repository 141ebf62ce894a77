"""The evaluator's verbs: models, validate, report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from hepafed.common.console import command, say, say_json, table
from hepafed.common.errors import UsageError
from hepafed.server.cli.access import access_option, json_option, remote_of
from hepafed.server.cli.progress import started

if TYPE_CHECKING:
    from hepafed.server.cli.api_client import Remote
    from hepafed.server.formats import Report


@click.command()
@click.argument("verb", type=click.Choice(["list", "show", "export"]), default="list")
@click.argument("model", default="")
@click.option("-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to.")
@json_option
@access_option
@click.pass_context
@command
def models(
    ctx: click.Context, verb: str, model: str, folder: Path, as_json: bool, access: Path | None
) -> None:
    """List, show or export the signed models.

    \b
    Example:
      server models
      server models show t2-1a2b3c4d
      server models export t2-1a2b3c4d -o .
    """
    remote = remote_of(ctx, access)
    if verb != "list" and not model:
        raise UsageError(f"server models {verb} takes a model's id", "see server models")
    if verb == "list":
        found = remote.get("/api/models")
        if as_json:
            say_json(json.dumps(found))
            return
        rows = [
            (m["id"], m["protocol"], str(m["round"]), f"{m['tuning_auc'] or 0:.3f}", m["created"])
            for m in found
        ]
        table(("model", "protocol", "round", "tuning AUC", "created"), rows)
        return
    card = remote.get(f"/api/models/{model}")
    if verb == "show":
        say_json(json.dumps(card, indent=1))
        return
    from hepafed.common.files import write_whole
    from hepafed.server.formats import read_card
    from hepafed.server.models import card_markdown

    remote.download(f"/api/models/{model}/weights", folder / model / "weights.safetensors")
    write_whole(folder / model / "card.json", json.dumps(card, indent=1))
    write_whole(folder / model / "card.md", card_markdown(read_card(card)))
    say(f"wrote {folder / model}: weights.safetensors, card.json, card.md")


@click.command()
@click.argument("model")
@click.option("--sites", "names", default="", help="Only these, with commas; default: every one.")
@click.option(
    "--split",
    type=click.Choice(["external", "test"]),
    help="Held-out sites (the default), or training sites' internal test.",
)
@click.option(
    "--evaluation",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="evaluation.toml, recorded before any score exists.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="MODEL",
    help="Compare with this model on the same lesions; may be given again.",
)
@click.option("--subgroups", default="", help="Split figures by these, with commas: sex,vendor.")
@click.option("--wait", metavar="TIME", help="How long to wait for offline sites: 90s, 10m, 2h.")
@click.option("--watch", "watching", is_flag=True, help="Stay, then write the report.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Report folder.")
@json_option
@access_option
@click.pass_context
@command
def validate(
    ctx: click.Context,
    model: str,
    names: str,
    split: str | None,
    evaluation: Path | None,
    against: tuple[str, ...],
    subgroups: str,
    wait: str | None,
    watching: bool,
    folder: Path | None,
    as_json: bool,
    access: Path | None,
) -> None:
    """Validate a frozen model at the held-out sites and pool their figures.

    \b
    Example:
      server validate t2-1a2b3c4d --watch -o report
      server validate t2-dwi-5e6f7a8b --against t2-1a2b3c4d --watch -o report
      server validate t2-1a2b3c4d --evaluation evaluation.toml --watch --access eva.access
    """
    from hepafed.common.contract import evaluation_from, read_evaluation, seconds_of

    promise = read_evaluation(evaluation) if evaluation else ""
    split = split or (evaluation_from(promise).split if promise else "external")
    remote = remote_of(ctx, access)
    wanted = [n.strip() for n in names.split(",") if n.strip()]
    run = remote.post(
        "/api/validate",
        model=model,
        against=list(against),
        sites=wanted,
        split=split,
        wait=seconds_of(wait) if wait else 0,
        evaluation=promise,
        subgroups=[v.strip() for v in subgroups.split(",") if v.strip()],
    )
    if promise and not as_json:
        say(f"evaluation {run['evaluation']} recorded {run['created'][:19]}Z as {run['id']}")
    started(remote, run, watching, as_json)
    if watching:
        _write(_report_of(remote, run["id"]), folder or Path(f"report-{run['id']}"))
    elif not as_json:
        say(f"then: server report {run['id']}")


@click.command()
@click.argument("run", default="")
@click.option("--scores", type=click.Path(path_type=Path), help="A score table instead of a run.")
@click.option("--threshold", default=0.5, show_default=True, help="Operating point for --scores.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Another model's scores of the same lesions, to compare; may be given again.",
)
@click.option("--prevalence", type=float, multiple=True, help="State PPV and NPV at this as well.")
@click.option("--margin", type=float, help="Non-inferiority margin against --against and readers.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Report folder.")
@access_option
@click.pass_context
@command
def report(
    ctx: click.Context,
    run: str,
    scores: Path | None,
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
        made = _from_scores((scores, *against), threshold, prevalence, margin)
        _write(made, folder or Path("report"))
        return
    if against or prevalence or margin is not None:
        raise UsageError(
            "--against, --prevalence and --margin go with --scores",
            "a run's are in its evaluation.toml",
        )
    _write(_report_of(remote_of(ctx, access), run), folder or Path(f"report-{run}"))


def _from_scores(
    tables: tuple[Path, ...], threshold: float, prevalences: tuple[float, ...], margin: float | None
) -> "Report":
    from hepafed.common.statistics import TASK_ORDER, read_scores
    from hepafed.server.pooling import Questions
    from hepafed.server.report import report_from_scores

    names = [t.stem for t in tables]
    if len(set(names)) < len(names):
        raise UsageError("two score tables have the same name", "the names tell the models apart")
    first, *others = [read_scores(t) for t in tables]
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


def _report_of(remote: "Remote", run: str) -> "Report":
    from hepafed.server.formats import read_report

    return read_report(remote.get(f"/api/runs/{run}/report"))


def _write(report: "Report", folder: Path) -> None:
    from hepafed.server.report import summary_lines, write_report

    page = write_report(report, folder)
    for line in summary_lines(report):
        say(line)
    say(f"report {page.absolute()}")
