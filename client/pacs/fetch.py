"""Ask a PACS for what a site's list names, and have it brought into the spool."""

import contextlib
import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import (
    ASKING,
    Connect,
    Connection,
    FetchProgress,
    NothingThereError,
    Pace,
    PacsError,
    PacsSeries,
    PacsStudy,
    patiently,
    quiet,
)
from hepafed.client.pacs.download import Brought, bring
from hepafed.client.pacs.request_list import Wanted
from hepafed.client.pacs.spool import Spool
from hepafed.common.errors import DataError, PayloadError

if TYPE_CHECKING:
    from hepafed.client.pacs.listener import Listener

MOST_SHOWN = 50
NOT_THERE = "not in the PACS (HTTP 404)"


@dataclass(frozen=True)
class FetchReport:
    """The result of a fetch into the spool."""

    rows: int
    """Rows of the list."""
    series: int
    """Series that lie whole in the spool."""
    brought: Brought
    refused: str = ""
    """What the listener refused, as a sentence."""

    @property
    def text(self) -> str:
        """Return one line for a person."""
        b, size = self.brought, self.brought.bytes / 1e6
        return (
            f"fetched: {self.series - b.already} series, {b.instances} instances, {size:.1f} MB"
            f" ({size / max(b.seconds, 1e-3):.1f} MB/s); fetched earlier: {b.already} series;"
            f" of other kinds, not fetched: {b.left} instances"
            f"{'; ' if self.refused else ''}{self.refused}"
        )


def connection_of(config: PacsConfig, pace: Pace, listener: "Listener | None" = None) -> Connection:
    """Return a connection of the protocol that pacs.toml names; nothing is sent yet."""
    if config.protocol == "dicomweb":
        from hepafed.client.pacs.dicomweb import DicomWeb

        return DicomWeb(config, pace)
    from hepafed.client.pacs.dimse import Dimse

    return Dimse(config, pace, listener)


def listener_of(config: PacsConfig, pace: Pace) -> "Listener | None":
    """Return what takes what the PACS sends after a C-MOVE; None where nothing is sent so."""
    if config.retrieve != "move":
        return None
    from hepafed.client.pacs.listener import Listener

    return Listener(config, pace)


def fetch(
    config: PacsConfig,
    wanted: Sequence[Wanted],
    spool: Spool,
    progress: Callable[[FetchProgress], None],
) -> FetchReport:
    """Bring every series of MR (and `also`) of what is wanted into the spool.

    Series that the journal has are not fetched again. A row that fails does not hold up the
    others; all problems come at the end, by row number.

    Raises
    ------
    UnreachableError, RefusedError, PacsError
        The PACS does not answer after all retries, or does not let us in; what came stays.
    ConfigError
        The site cannot listen for what the PACS sends.
    DataError
        Rows have nothing in the PACS, or series did not come whole; the rest stays.
    """
    quiet()
    pace = Pace(config.per_second)
    problems: list[str] = []
    listener = listener_of(config, pace)
    connect = functools.partial(connection_of, listener=listener)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' warnings may quote values
        with listener or contextlib.nullcontext():
            pass  # a port that is taken is found before the questions, which may take long
        series = _ask(config, wanted, pace, progress, connect, problems)
        with listener or contextlib.nullcontext():
            brought = bring(config, series, spool, pace, progress, connect)
    refused = listener.refused if listener is not None else ""
    problems += brought.problems
    if problems:
        more = f"; and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        hint = "correct these rows of the list, or run the same command again"
        if len(problems) == len(wanted) and all(p.endswith(NOT_THERE) for p in problems):
            hint = "check url: the PACS finds nothing at that address"
        hint += f". {listener.advice}" if listener is not None and listener.advice else ""
        raise DataError(
            "some could not be fetched: " + "; ".join(problems[:MOST_SHOWN]) + more,
            f"{hint}. Fetched files are kept; nothing was ingested",
        )
    return FetchReport(len(wanted), len(series), brought, refused)


def _ask(
    config: PacsConfig,
    wanted: Sequence[Wanted],
    pace: Pace,
    progress: Callable[[FetchProgress], None],
    connect: Connect,
    problems: list[str],
) -> list[PacsSeries]:
    """Return the series of every row; what is wrong with a row goes to `problems`."""
    found: dict[str, PacsSeries] = {}
    connection = connect(config, pace)
    try:
        for done, one in enumerate(wanted):
            progress(FetchProgress(ASKING, done, len(wanted)))
            try:
                # a service that cannot even list studies is not one: its PacsError ends it all
                studies = patiently(config, pace, functools.partial(connection.studies, one))
                series = _series(config, connection, pace, one, studies)
            except NothingThereError:
                problems.append(f"row {one.row}: {NOT_THERE}")
                continue
            except PayloadError as e:
                problems.append(f"row {one.row}: {e.message}")
                continue
            if not series:
                what = "no MR series in the PACS" if studies else "not in the PACS"
                problems.append(f"row {one.row}: {what}")
            for s in series:
                found.setdefault(s.uid, s)
        progress(FetchProgress(ASKING, len(wanted), len(wanted)))
    finally:
        connection.close()
    return list(found.values())


def _series(
    config: PacsConfig,
    connection: Connection,
    pace: Pace,
    wanted: Wanted,
    studies: list[PacsStudy],
) -> list[PacsSeries]:
    """Return the series of the asked modalities, and those of which the PACS says none."""
    found: list[PacsSeries] = []
    for study in studies:
        try:
            ask = functools.partial(connection.series, wanted, study.uid)
            listed = patiently(config, pace, ask)
        except PacsError as e:
            raise PayloadError(e.message) from None
        study.check(listed)
        found += [s for s in listed if s.modality in ("", "MR", *config.also)]
    return found
