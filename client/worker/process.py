"""The site worker: one long-lived process that owns data, GPU and keys, and answers requests.

`python -m hepafed.client.worker.process HOME HOST:PORT` (started and supervised by `client start`).
"""

import logging
import signal
import sys
import threading
from pathlib import Path

from hepafed.common.console import complain
from hepafed.common.contract import SiteConfig, read_toml
from hepafed.common.errors import HepaFedError
from hepafed.common.printable import OneLineFormatter
from hepafed.common.processes import tie_to_parent
from hepafed.common.room import waiting_for_room


def main() -> None:
    """Answer requests until SIGTERM."""
    tie_to_parent()
    home, address = Path(sys.argv[1]), sys.argv[2]
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        config = read_toml(SiteConfig, home / "site.toml", "run client join first")
        _serve(home, config, address, stopping)
    except HepaFedError as e:
        complain(e.message, e.hint)
        raise SystemExit(e.exit_code) from None


def _serve(home: Path, config: SiteConfig, address: str, stopping: threading.Event) -> None:
    import torch
    from hepafed.client.worker.app import open_app
    from hepafed.client.worker.executor import ClientAppExecutor

    if config.threads:
        torch.set_num_threads(config.threads)
    app = open_app(home, config)
    logging.getLogger("hepafed.client").info("worker ready")
    executor = ClientAppExecutor(address, home / "keys" / "executor.secret", app)
    with waiting_for_room(_note_room, lambda: not stopping.is_set(), stopping.wait):
        executor.serve(stopping)


def _note_room(words: str) -> None:
    logging.getLogger("hepafed.client").warning("%s", words or "there is room on the disk again")


if __name__ == "__main__":
    main()
