"""A PACS over DIMSE: C-FIND to ask, C-GET or C-MOVE to read (DICOM PS3.4 C.4.1 to C.4.3)."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hepafed.client.pacs.association import (
    FIND,
    GET,
    MOVE,
    ReadBound,
    associate,
    no_answer,
    not_offered,
    question,
    refusal,
    retrieval,
)
from hepafed.client.pacs.config import PacsConfig, tls_context
from hepafed.client.pacs.connection import (
    MOST_ANSWERS,
    BrokenConnectionError,
    Instance,
    Pace,
    PacsSeries,
    PacsStudy,
    StoppedError,
    is_asked_for,
    valid_count,
    valid_uid,
)
from hepafed.client.pacs.listener import Delivery, Listener
from hepafed.client.pacs.request_list import Wanted
from hepafed.common.errors import HepaFedError, PayloadError, RefusedError
from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event

BATCH = 64
"""Instances named in one C-GET (a list of UIDs is allowed, PS3.4 C.4.3.1.3.1)."""
PENDING = (0xFF00, 0xFF01)
REFUSED = 0xA900
UNKNOWN_DESTINATION = 0xA801
"""Refused: move destination unknown (PS3.4 C.4.2.1.5)."""
NO_ANSWER = -1
"""In the place of a status: the connection ended, or the PACS was idle for too long."""


class Dimse:
    """One association with a PACS, opened when needed; it sends to us, we never to it."""

    def __init__(self, config: PacsConfig, pace: Pace, listener: Listener | None = None) -> None:
        self._config, self._pace, self._listener = config, pace, listener
        self._bound = ReadBound(config.largest_instance_mb * 2**20)
        self._association: Association | None = None
        self._tls = tls_context(config) if config.tls else None
        self._wrong: HepaFedError | None = None

    def studies(self, wanted: Wanted) -> list[PacsStudy]:
        """Return the studies; PayloadError when the PACS answers with another patient's."""
        keys = {wanted.keyword: wanted.value, "StudyInstanceUID": ""}
        held = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
        found = self._find("STUDY", keys | dict.fromkeys(held))
        if not all(is_asked_for(wanted, f.get(wanted.keyword)) for f in found):
            raise PayloadError("the PACS answered with studies that were not asked for")
        return list(
            dict.fromkeys(
                PacsStudy(
                    valid_uid(f.get("StudyInstanceUID")), *(valid_count(f.get(k)) for k in held)
                )
                for f in found
            )
        )

    def series(self, wanted: Wanted, study: str) -> list[PacsSeries]:
        """Return every series of a study."""
        keys = {
            "StudyInstanceUID": study,
            "SeriesInstanceUID": "",
            "Modality": "",
            "NumberOfSeriesRelatedInstances": None,
        }
        return [
            PacsSeries(
                wanted,
                study,
                valid_uid(f.get("SeriesInstanceUID")),
                str(f.get("Modality") or ""),
                valid_count(f.get("NumberOfSeriesRelatedInstances")),
            )
            for f in self._find("SERIES", keys)
        ]

    def instances(self, series: PacsSeries) -> list[Instance]:
        """Return the instances of a series."""
        keys = {
            "StudyInstanceUID": series.study,
            "SeriesInstanceUID": series.uid,
            "SOPInstanceUID": "",
            "SOPClassUID": "",
        }
        return [
            Instance(valid_uid(f.get("SOPInstanceUID")), str(f.get("SOPClassUID") or ""))
            for f in self._find("IMAGE", keys)
        ]

    def fetch(
        self, series: PacsSeries, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """Read instances in batches; the PACS waits for our answer to each, so the pace holds."""
        for start in range(0, len(instances), BATCH):
            batch = instances[start : start + BATCH]
            if self._listener is None:
                self._get(series, batch, take)
            else:
                self._move(self._listener, series, batch, take)

    def close(self) -> None:
        """Release the association."""
        if self._association is not None and self._association.is_established:
            self._association.release()
        self._association = None

    def _get(
        self, series: PacsSeries, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """Ask for one batch; `store` runs in the association's own thread."""
        self._wrong = None
        left = len(instances)

        def store(event: Event) -> int:
            nonlocal left
            left -= 1
            try:
                if left < 0:
                    raise PayloadError("the PACS sends more than was asked for")
                self._pace.wait()
                if self._wrong is None:
                    take(event.encoded_dataset())
                    return 0x0000
            except HepaFedError as e:
                self._wrong = self._wrong or e
            except Exception as e:  # a hostile message can fail anywhere inside the parsers
                self._wrong = PayloadError(f"the PACS sent what cannot be read ({_kind(e)})")
            # What the library itself does when a connection ends: the waiting thread wakes up.
            event.assoc.dimse.msg_queue.put((None, None))
            return REFUSED

        asked = retrieval(series, instances)
        association = self._open()
        association.bind(evt.EVT_C_STORE, store)
        status = 0x0000
        for answer in self._ask(lambda: association.send_c_get(asked, GET)):
            status = answer[0]
        association.unbind(evt.EVT_C_STORE, store)
        if self._wrong is not None:
            raise self._broken(self._wrong)
        if status not in (0x0000, 0xB000, *PENDING):  # what is missing is counted by the caller
            raise refusal("C-GET", status, self._config)

    def _move(
        self,
        listener: Listener,
        series: PacsSeries,
        instances: Sequence[str],
        take: Callable[[bytes], None],
    ) -> None:
        """Have one batch sent to the listener; the PACS answers when it has sent it."""
        self._wrong = None
        asked, title = retrieval(series, instances), self._config.ae_title
        association, timeout = self._open(), self._config.timeout
        status = 0x0000
        with listener.delivery(instances, take) as delivery:
            try:
                with self._patience(association, delivery):
                    for answer in self._ask(lambda: association.send_c_move(asked, title, MOVE)):
                        status = answer[0]
                        delivery.touch()
            except BrokenConnectionError:
                status = NO_ANSWER
            if status == 0x0000:  # some answer before they have sent
                listener.wait_for(delivery, timeout)
        if delivery.ended is not None:
            raise self._broken(delivery.ended)
        if delivery.missing:
            self._explain(listener, series, delivery, status)

    def _explain(
        self, listener: Listener, series: PacsSeries, delivery: Delivery, status: int
    ) -> None:
        """Raise the reason why not all of a batch came, if it is known."""
        in_vain = listener.is_in_vain(series.uid)
        if delivery.refused is not None:
            raise delivery.refused
        if in_vain or status == UNKNOWN_DESTINATION:
            said = f" (0x{status:04X})" if status > 0 else ""
            raise RefusedError(f"what the PACS sends does not arrive here{said}", listener.advice)
        if status == NO_ANSWER:
            raise self._broken(no_answer())
        if status not in (0x0000, 0xB000, *PENDING):
            raise refusal("C-MOVE", status, self._config)

    @contextlib.contextmanager
    def _patience(self, association: Association, delivery: Delivery) -> Iterator[None]:
        """Wait for the answers to a C-MOVE as long as instances come, and no longer.

        A PACS may answer only when all has been sent, so the library's own timeout is no measure.
        """
        done, timeout = threading.Event(), self._config.timeout

        def watch() -> None:
            while not done.wait(0.1):
                if self._pace.stopped.is_set() and delivery.ended is None:
                    delivery.ended = StoppedError("the fetch was stopped")
                if delivery.ended is not None or delivery.idle() > timeout:
                    association.dimse.msg_queue.put((None, None))  # as in `_get`
                    return

        association.dimse_timeout = None
        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            association.dimse_timeout = timeout

    def _find(self, level: str, keys: dict[str, Any]) -> list[Dataset]:
        self._wrong = None
        self._pace.wait()
        asked = question(level, keys)
        association = self._open()
        found: list[Dataset] = []
        for status, identifier in self._ask(lambda: association.send_c_find(asked, FIND)):
            if status in PENDING:
                if identifier is None:
                    raise self._broken(PayloadError("an answer of the PACS cannot be read"))
                found.append(identifier)
                if len(found) > MOST_ANSWERS:
                    raise self._broken(
                        PayloadError(f"the PACS lists more than {MOST_ANSWERS} answers")
                    )
            elif status != 0x0000:
                raise refusal("C-FIND", status, self._config)
        return found

    def _ask(self, send: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Yield the status and identifier of each answer; BrokenConnectionError without one."""
        try:
            for answer, identifier in send():
                if "Status" not in answer:
                    raise self._broken(no_answer())
                yield int(answer.Status), identifier
        except HepaFedError:
            raise
        except ValueError:  # no context for the service, or the question cannot be encoded
            raise self._broken(not_offered(self._config)) from None
        except Exception as e:  # a hostile answer can fail anywhere inside the parsers
            if not (self._association and self._association.is_established):
                raise self._broken(no_answer()) from None
            wrong = PayloadError(f"the PACS sent what cannot be read ({_kind(e)})")
            raise self._broken(wrong) from None

    def _broken(self, error: HepaFedError) -> HepaFedError:
        """Drop the association; when our own refusal or bound ended it, that is the error."""
        self._drop()
        if self._wrong is not None:
            return self._wrong
        if self._bound.exceeded:
            return PayloadError(f"an instance is larger than {self._bound.largest // 2**20} MB")
        return error

    def _drop(self) -> None:
        if self._association is not None and self._association.is_established:
            self._association.abort()
        self._association = None

    def _open(self) -> Association:
        """Return the association, opened anew where there is none."""
        if self._association is not None and self._association.is_established:
            return self._association
        self._bound = ReadBound(self._bound.largest)
        self._association = associate(self._config, self._tls, self._bound)
        return self._association


def _kind(error: Exception) -> str:
    return type(error).__name__
