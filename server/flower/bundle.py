"""The bundle that a Flower run must carry: one pyproject.toml that nobody ever unpacks."""

from importlib import metadata

from flwr.cli.build import build_fab_from_files

BUNDLE = """[project]
name = "hepafed"
version = "{version}"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "hepafed"
fab-include = ["pyproject.toml"]

[tool.flwr.app.components]
serverapp = "hepafed.server.coordinator.conductor:app"
clientapp = "hepafed.client.worker.app:app"

[tool.flwr.app.config]
hepafed-run = ""
"""


def bundle() -> bytes:
    """Return the bundle of a run as a zip file, with Flower's own manifest in it."""
    text = BUNDLE.format(version=metadata.version("hepafed"))
    return build_fab_from_files({"pyproject.toml": text.encode()})[0]
