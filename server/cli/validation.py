"""Validate a frozen model: validate."""

from pathlib import Path

import click
from hepafed.common.console import command, say
from hepafed.server.cli.access import access_option, json_option, remote_of
from hepafed.server.cli.progress import started
from hepafed.server.cli.report import fetched, write


@click.command()
@click.argument("model")
@click.option(
    "--sites", "names", default="", help="Sites to ask, separated by commas; default: all."
)
@click.option(
    "--split",
    type=click.Choice(["external", "test"]),
    help="external: held-out sites (default); test: internal test of the training sites.",
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
@click.option(
    "--subgroups", default="", help="Variables of the subgroups, separated by commas: sex,vendor."
)
@click.option("--wait", metavar="TIME", help="How long to wait for offline sites: 90s, 10m, 2h.")
@click.option("--watch", "watching", is_flag=True, help="Show the progress, then write the report.")
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
        report, signed = fetched(remote, run["id"])
        write(report, folder or Path(f"report-{run['id']}"), signed)
    elif not as_json:
        say(f"then: server report {run['id']}")
