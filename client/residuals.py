"""What was rounded off of a site's last update: it is added to the next one (error feedback).

`residuals/` holds those of the newest two rounds of one run, as `moments/` does for the optimiser:
a round that is asked for again begins with what the round before left. A site that missed a round
begins with none. Nothing here is ever sent by itself.
"""

from collections.abc import Iterator
from pathlib import Path

from hepafed.client.round_files import RoundFiles
from hepafed.common.network import Flat, Layout, UpdateForm, encode

FOLDER = "residuals"
HINT = (
    f"restore a copy, or remove the folder {FOLDER}: what was rounded off of this site's last "
    "update is then lost"
)


class Residuals:
    """Encodes a site's updates, and keeps what their encoding rounds off."""

    def __init__(self, home: Path) -> None:
        self._kept = RoundFiles(home, FOLDER, HINT, durable=False)

    def encoded(
        self, update: Flat, layout: Layout, encoding: str, run: str, round: int
    ) -> memoryview:
        """Return the file of an update of a round, with what the round before left added.

        What is left now is on disk when the method returns.

        Raises
        ------
        ConfigError, DataError
            What the round before left was kept, and is damaged.
        PayloadError
            The update has a number that is not finite, or too large for its encoding.
        """
        form = UpdateForm.of(layout, encoding)
        if form.coding is not None:
            before = self._kept.read(run, round - 1, encoding)
            if before is not None:
                update = update + before["residual"]
        content, left = encode(update, form)
        if left is not None:
            self._kept.keep(run, round, encoding, {"residual": left}, (round - 1,))
        return content

    def faults(self, *, whole: bool = True) -> Iterator[str]:
        """Yield what is damaged or missing, with its file's name (see `RoundFiles.faults`)."""
        yield from self._kept.faults(whole=whole)
