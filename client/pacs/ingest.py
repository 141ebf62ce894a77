"""`client ingest --pacs`: fetch into the spool, ingest the spool, remove it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hepafed.client.lesions import read_labels
from hepafed.client.pacs.config import read_config
from hepafed.client.pacs.connection import READING, FetchProgress
from hepafed.client.pacs.fetch import FetchReport, fetch
from hepafed.client.pacs.request_list import read_wanted
from hepafed.client.pacs.spool import Spool

Progress = Callable[[str, int, int | None], None]
"""Called with the stage, how many are done, and of how many if that is known."""

if TYPE_CHECKING:
    from hepafed.client.ingest import IngestReport


def ingest_pacs(
    home: Path,
    pacs: Path,
    labels: Path,
    progress: Progress,
    *,
    workers: int = 0,
    left: Path | None = None,
) -> tuple[FetchReport, "IngestReport"]:
    """Fetch what pacs.toml's list names, then put its labelled lesions into the cohort store.

    An interrupted or failed call leaves the spool; the next one fetches only what is missing.
    `workers` and `left` are those of `ingest_dicom`.

    Raises
    ------
    ConfigError, DataError, FederationError
        From pacs.toml, the list, the PACS; nothing is ingested then.
    LabelsError
        As `ingest_dicom`; checked first as far as it can be without images.
    """
    config = read_config(pacs)
    wanted = read_wanted(config)
    read_labels(labels)  # its mistakes are found before hours of fetching, not after
    spool = Spool(home)

    def show(now: FetchProgress) -> None:
        progress(f"{now.what} the PACS", now.done, now.total)
        if now.what == READING:
            progress("MB from the PACS", int(now.bytes / 1e6), None)

    try:
        fetched = fetch(config, wanted, spool, show)
        from hepafed.client.ingest import ingest_dicom  # heavy: a fetch does not wait for it

        ingested = ingest_dicom(home, spool.images, labels, progress, workers=workers, left=left)
        if ingested.taken and not config.keep_spool:
            spool.remove()
    finally:
        spool.close()
    return fetched, ingested
