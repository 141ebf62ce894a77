"""The `server` command: the coordinator's and the evaluator's verbs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from hepafed.common.console import command, say, say_json, table
from hepafed.common.errors import RunError, UsageError
from hepafed.common.vocabulary import ROLES

if TYPE_CHECKING:
    from hepafed.server.remote import Remote


def _home(ctx: click.Context) -> Path:
    from hepafed.common.config import home_folder

    return home_folder(ctx.find_root().obj["home"], "server")


def _remote(ctx: click.Context, access: Path | None) -> "Remote":
    from hepafed.server.remote import Remote

    return Remote(access or _home(ctx) / "coordinator.access")


access_option = click.option(
    "--access", type=click.Path(path_type=Path), help="Access file; the coordinator's by default."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a script.")


@click.group()
@click.option("--home", type=click.Path(path_type=Path), help="The server's folder.")
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
@click.version_option(package_name="hepafed")
@click.pass_context
def main(ctx: click.Context, home: Path | None, debug: bool) -> None:
    r"""Coordinate federated learning for liver-tumour diagnosis on MRI.

    \b
    Example:
      server init --address fl.example.org:8443
      server start
      server invite hospital-a --role train
      server train plan.toml --watch
    """
    ctx.obj = {"home": home, "debug": debug}


@main.command()
@click.option("--address", required=True, metavar="HOST:PORT", help="What sites will reach.")
@click.option("--listen", default="0.0.0.0", show_default=True, help="Interface to bind.")  # noqa: S104
@click.pass_context
@command
def init(ctx: click.Context, address: str, listen: str) -> None:
    r"""Make the coordinator's CA, certificate, server.toml and access file.

    \b
    Example:
      server init --address fl.example.org:8443
    """
    from hepafed.server.setup import initialise

    home = _home(ctx)
    expires = initialise(home, address, listen, datetime.now(UTC))
    say(f"wrote {home}: keys, server.toml, coordinator.access (keep it private)")
    say(f"the server certificate expires {expires:%Y-%m-%d}")
    say("next: server start")


@main.command()
@click.pass_context
@command
def start(ctx: click.Context) -> None:
    r"""Run the coordinator in the foreground: gateway, SuperLink, runs.

    \b
    Example:
      server start
    After a crash the next start resumes unfinished runs at their last completed round.
    """
    from hepafed.server.start import run_server

    run_server(_home(ctx))


@main.command()
@click.argument("site")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may be asked.")
@click.option("--expires", default="72h", show_default=True, help="Life of the invite, e.g. 48h.")
@click.option("-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to.")
@access_option
@click.pass_context
@command
def invite(
    ctx: click.Context, site: str, role: str, expires: str, folder: Path, access: Path | None
) -> None:
    r"""Write SITE.invite, the one file with which a site joins.

    \b
    Example:
      server invite hospital-a --role train --expires 48h
    """
    from hepafed.common.config import Invite, plain_name, write_toml

    number = expires.removesuffix("h")
    if not number.replace(".", "", 1).isdigit():
        raise UsageError(f"--expires {expires!r} is not a number of hours", "e.g. 72h")
    remote = _remote(ctx, access)
    made = remote.post("/api/invites", site=plain_name(site), role=role, hours=float(number))
    path = folder / f"{site}.invite"
    write_toml(
        Invite(
            site=site, role=role, address=remote.access.address, token=made["token"],
            expires=made["expires"], ca=remote.access.ca,
        ),
        path,
        private=True,
    )  # fmt: skip
    say(f"wrote {path}; it works once, until {made['expires']}")
    say(f"next: give it to the site by a safe way; there: client join {path.name}")


@main.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["evaluator"]), required=True, help="What they may do.")
@click.option("-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Where to.")
@access_option
@click.pass_context
@command
def grant(ctx: click.Context, name: str, role: str, folder: Path, access: Path | None) -> None:
    r"""Write an access file for somebody else.

    \b
    Example:
      server grant statistician --role evaluator
    """
    from hepafed.common.config import Access, write_toml

    remote = _remote(ctx, access)
    made = remote.post("/api/grants", name=name, role=role)
    path = folder / f"{name}.access"
    own = remote.access
    write_toml(
        Access(name=name, role=role, address=own.address, token=made["token"], ca=own.ca),
        path,
        private=True,
    )
    say(f"wrote {path}; with it: server models --access {path.name}")


@main.command()
@json_option
@access_option
@click.pass_context
@command
def sites(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    r"""List the sites: role, enrolled or invited, online.

    \b
    Example:
      server sites --json
    """
    found = _remote(ctx, access).get("/api/sites")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("site", "role", "state", "online"),
        [(s["site"], s["role"], s["state"], "yes" if s["online"] else "no") for s in found],
    )


@main.command()
@click.option("--sites", default="", help="Only these, joined by commas; all by default.")
@json_option
@access_option
@click.pass_context
@command
def cohort(ctx: click.Context, sites: str, as_json: bool, access: Path | None) -> None:
    r"""Ask the sites what their cohorts look like, before any training.

    A site answers only if its policy says so (share_cohort_summary), and withholds small counts.

    \b
    Example:
      server cohort --sites hospital-a,hospital-b
    """
    from hepafed.server.cohorts import survey_tables
    from hepafed.server.watching import follow

    remote = _remote(ctx, access)
    run = remote.post("/api/cohort", sites=[s for s in sites.split(",") if s])
    run = follow(remote, run["id"])
    if run["status"] == "failed":
        raise RunError(f"run {run['id']} failed: {run['error']}", run["hint"])
    found = remote.get(f"/api/runs/{run['id']}/cohort")
    if as_json:
        say_json(json.dumps(found))
        return
    for columns, rows in survey_tables(found):
        table(columns, rows)


@main.command()
@click.option("-o", "output", type=click.Path(path_type=Path), default=Path("federation.roster"))
@access_option
@click.pass_context
@command
def roster(ctx: click.Context, output: Path, access: Path | None) -> None:
    r"""Write the fingerprint of every enrolled site, for the sites to compare.

    \b
    Example:
      server roster -o federation.roster
    """
    from hepafed.common.files import write_whole

    found = _remote(ctx, access).get("/api/sites")
    lines = [f"{s['site']} {s['fingerprint']}" for s in found if s["state"] == "enrolled"]
    write_whole(output, "\n".join(["# site and fingerprint (ssh-keygen -l)", *lines]) + "\n")
    say(f"wrote {output}: {len(lines)} sites")
    say(f"next: each site runs client peers --roster {output.name}")


@main.command()
@click.argument("site")
@access_option
@click.pass_context
@command
def revoke(ctx: click.Context, site: str, access: Path | None) -> None:
    r"""Shut a site out.

    \b
    Example:
      server revoke hospital-a
    """
    _remote(ctx, access).post(f"/api/sites/{site}/revoke")
    say(f"{site} is shut out; to let it back: server invite {site} --role …")


@main.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--watch", "watching", is_flag=True, help="Stay and show the progress.")
@json_option
@access_option
@click.pass_context
@command
def train(
    ctx: click.Context, plan: Path, watching: bool, as_json: bool, access: Path | None
) -> None:
    r"""Check a plan and start a training run.

    \b
    Example:
      server train plan.toml --watch
    """
    from hepafed.common.plan import read_plan
    from hepafed.common.records import write_record

    checked = read_plan(plan)
    remote = _remote(ctx, access)
    run = remote.post("/api/train", plan=write_record(checked))
    _started(remote, run, watching, as_json)


def _started(remote: "Remote", run: dict[str, Any], watching: bool, as_json: bool) -> None:
    if watching:
        from hepafed.server.watching import follow

        run = follow(remote, run["id"])
    if as_json:
        say_json(json.dumps({k: v for k, v in run.items() if k != "events"}))
    elif not watching:
        say(f"run {run['id']} is queued")
        say(f"next: server watch {run['id']}")
    elif run["status"] == "completed" and run["kind"] == "train":
        say(f"model {run['model']}")
        say(f"next: server validate {run['model']} --watch")
    if run["status"] == "failed":
        raise RunError(f"run {run['id']} failed: {run['error']}", run["hint"])


@main.command()
@json_option
@access_option
@click.pass_context
@command
def runs(ctx: click.Context, as_json: bool, access: Path | None) -> None:
    r"""List the runs.

    \b
    Example:
      server runs
    """
    found = _remote(ctx, access).get("/api/runs")
    if as_json:
        say_json(json.dumps(found))
        return
    table(
        ("run", "kind", "status", "round", "model"),
        [(r["id"], r["kind"], r["status"], str(r["round"]), r["model"]) for r in found],
    )


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def watch(ctx: click.Context, run: str, access: Path | None) -> None:
    r"""Show a run's progress until it ends (Ctrl-C leaves the run alone).

    \b
    Example:
      server watch t2-1a2b3c
    """
    remote = _remote(ctx, access)
    _started(remote, remote.get(f"/api/runs/{run}"), watching=True, as_json=False)


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def stop(ctx: click.Context, run: str, access: Path | None) -> None:
    r"""Stop a run before its next step.

    \b
    Example:
      server stop t2-1a2b3c
    """
    _remote(ctx, access).post(f"/api/runs/{run}/stop")
    say(f"{run} stops; to go on: server resume {run}")


@main.command()
@click.argument("run")
@access_option
@click.pass_context
@command
def resume(ctx: click.Context, run: str, access: Path | None) -> None:
    r"""Go on with a stopped or failed run at its last completed round.

    \b
    Example:
      server resume t2-1a2b3c
    """
    _remote(ctx, access).post(f"/api/runs/{run}/resume")
    say(f"{run} is queued; next: server watch {run}")


@main.command()
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
    r"""List, show or export the signed models.

    \b
    Example:
      server models
      server models show t2-1a2b3c4d
      server models export t2-1a2b3c4d -o .
    """
    remote = _remote(ctx, access)
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

    remote.download(f"/api/models/{model}/weights", folder / model / "weights.safetensors")
    write_whole(folder / model / "card.json", json.dumps(card, indent=1))
    say(f"wrote {folder / model}: weights.safetensors, card.json")


@main.command()
@click.argument("model")
@click.option("--sites", "names", default="", help="Only these, with commas; default: all online.")
@click.option(
    "--split",
    type=click.Choice(["external", "test"]),
    default="external",
    show_default=True,
    help="Held-out sites, or training sites' internal test.",
)
@click.option("--watch", "watching", is_flag=True, help="Stay, then write the report.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Report folder.")
@json_option
@access_option
@click.pass_context
@command
def validate(
    ctx: click.Context, model: str, names: str, split: str, watching: bool,
    folder: Path | None, as_json: bool, access: Path | None,
) -> None:  # fmt: skip
    r"""Validate a frozen model at the held-out sites and pool their figures.

    \b
    Example:
      server validate t2-1a2b3c4d --watch -o report
    """
    remote = _remote(ctx, access)
    wanted = [n.strip() for n in names.split(",") if n.strip()]
    run = remote.post("/api/validate", model=model, sites=wanted, split=split)
    _started(remote, run, watching, as_json)
    if watching:
        _write(remote.get(f"/api/runs/{run['id']}/report"), folder or Path(f"report-{run['id']}"))
    elif not as_json:
        say(f"then: server report {run['id']}")


@main.command()
@click.argument("run", default="")
@click.option("--scores", type=click.Path(path_type=Path), help="A score table instead of a run.")
@click.option("--threshold", default=0.5, show_default=True, help="Operating point for --scores.")
@click.option("-o", "folder", type=click.Path(path_type=Path), help="Report folder.")
@access_option
@click.pass_context
@command
def report(
    ctx: click.Context, run: str, scores: Path | None, threshold: float, folder: Path | None,
    access: Path | None,
) -> None:  # fmt: skip
    r"""Write the report of a validation run, or of a score table.

    \b
    Example:
      server report validate-1a2b3c -o report
      server report --scores scores.csv --threshold 0.5 -o report
    """
    if bool(run) == bool(scores):
        raise UsageError("name a run, or a score table with --scores", "server report --help")
    if scores is not None:
        from hepafed.common.scores import read_scores
        from hepafed.server.report.table import report_from_scores

        if not 0 <= threshold <= 1:
            raise UsageError(f"--threshold {threshold} is outside 0…1", "e.g. 0.5")
        _write(report_from_scores(read_scores(scores), threshold), folder or Path("report"))
        return
    found = _remote(ctx, access).get(f"/api/runs/{run}/report")
    _write(found, folder or Path(f"report-{run}"))


def _write(values: dict[str, Any], folder: Path) -> None:
    from hepafed.server.report.summary import summary_lines
    from hepafed.server.report.write import write_report

    page = write_report(values, folder)
    for line in summary_lines(values):
        say(line)
    say(f"report {page.absolute()}")
