"""The stock SuperNode, with a shorter idle wait, as a process of its own.

Flower's loop sleeps 3 s when there is no message and looks for the reply every 0.5 s; both are
constants in `flwr.supernode.start_client_internal`. Only those sleeps are shortened here
(tests/contracts holds the module to it).
"""

import time
import types

IDLE_SECONDS = 0.4
REPLY_SECONDS = 0.05


def shorter_sleep(seconds: float) -> None:
    """Sleep less than Flower asks: it polls, so nothing but latency depends on it."""
    time.sleep(IDLE_SECONDS if seconds >= 1 else REPLY_SECONDS)


def main() -> None:
    """Run Flower's SuperNode command in this process."""
    from flwr.supernode import start_client_internal
    from flwr.supernode.cli import flower_supernode

    quick = types.SimpleNamespace(**{**vars(time), "sleep": shorter_sleep})
    start_client_internal.time = quick  # type: ignore[attr-defined, assignment]
    flower_supernode()
