"""The registry: models."""

import json
from pathlib import Path

import click
from hepafed.common.console import command, say, say_json, table
from hepafed.common.errors import UsageError
from hepafed.server.cli.access import access_option, json_option, remote_of


@click.command()
@click.argument("verb", type=click.Choice(["list", "show", "export"]), default="list")
@click.argument("model", default="")
@click.option(
    "-o", "folder", type=click.Path(path_type=Path), default=Path(), help="Folder to write to."
)
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
            (m["id"], m["protocol"], str(m["round"]), tuning_auc(m["tuning_auc"]), m["created"])
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


@click.command("import-weights")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "out", required=True, type=click.Path(path_type=Path), help="safetensors file to write."
)
@command
def import_weights(file: Path, out: Path) -> None:
    """Turn a .pth or .bin file of timm's inception_resnet_v2 into safetensors for model.weights.

    \b
    Example:
      server import-weights inceptionresnetv2.pth -o imagenet.safetensors
    Only tensors are read from the file; nothing in it is run.
    """
    from hepafed.common.network import import_weights as convert

    if not file.is_file():
        raise UsageError(f"there is no file {file}", "name a .pth or .bin file")
    if out.exists():
        raise UsageError(f"{out} exists already", "name another file with -o")
    for note in convert(file, out):
        say(note)
    say(f"wrote {out}")
    say(f'next: weights = "{out.absolute()}" in the table [model] of a plan')


def tuning_auc(value: float | None) -> str:
    """Return a tuning AUC for the list; a dash where no site could give one."""
    return "–" if value is None else f"{value:.3f}"
