"""Following a run on the terminal."""

from typing import Any

import pytest
from hepafed.common.errors import RunError
from hepafed.server.cli.progress import follow


class Interrupted:
    """Stands for the coordinator; the person presses Ctrl-C while it is asked."""

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_display_and_says_that_the_run_goes_on() -> None:
    with pytest.raises(RunError, match="no longer watching; run t2-1a2b3c goes on") as e:
        follow(Interrupted(), "t2-1a2b3c")  # type: ignore[arg-type]
    assert e.value.hint == "server watch t2-1a2b3c shows it again; server stop t2-1a2b3c ends it"
