"""What the coordinator keeps on disk, whichever run is under way."""

from pathlib import Path

from hepafed.common.errors import ConfigError, RefusedError
from hepafed.server.models import Registry
from hepafed.server.runs.blobs import Blobs
from hepafed.server.runs.inbox import Inbox
from hepafed.server.runs.store import Runs


class Stores:
    """The runs, the published weights, the inbox and the models under the coordinator's home."""

    def __init__(self, home: Path) -> None:
        self.runs = Runs(home)
        self.blobs = Blobs(home)
        self.inbox = Inbox(home)
        self.registry = Registry(home)

    def report(self, run: str) -> tuple[str, str]:
        """Return the text of a run's report.json, held to its signature, and that signature.

        The signature is "" where there is none.

        Raises
        ------
        RefusedError
            The run has no report.
        ConfigError
            The report, or its signature, cannot be read or is not what was signed.
        """
        path = self.runs.folder(run) / "report.json"
        if not path.exists():
            raise RefusedError("that run has no report", "only a completed validation has one")
        signature = path.with_name("report.sig")
        name = f"runs/{run}/report.json or runs/{run}/report.sig"
        hint = "restore a copy of both; other reports are not concerned"
        try:
            text = path.read_bytes()
            held = signature.read_bytes() if signature.exists() else b""
        except OSError as e:
            raise ConfigError(f"{name} cannot be read: {e.strerror}", hint) from e
        if (signature.exists() and not self.registry.verified(text, held)) or not text:
            raise ConfigError(f"{name} is damaged: it is not what was signed", hint)
        return text.decode(), held.decode()
