"""A PACS over DIMSE: C-FIND to ask, C-GET to read (DICOM PS3.4 C.4.1 and C.4.3)."""

from collections.abc import Callable, Sequence
from typing import Any

from hepafed.client.pacs.association import FIND, GET, ReadBound, associate
from hepafed.client.pacs.config import PacsConfig, tls_context
from hepafed.client.pacs.connection import (
    MOST_ANSWERS,
    BrokenConnectionError,
    Instance,
    Pace,
    PacsError,
    PacsSeries,
    PacsStudy,
    is_asked_for,
    valid_count,
    valid_uid,
)
from hepafed.client.pacs.request_list import Wanted
from hepafed.common.errors import HepaFedError, PayloadError
from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event

BATCH = 64
"""Instances named in one C-GET (a list of UIDs is allowed, PS3.4 C.4.3.1.3.1)."""
PENDING = (0xFF00, 0xFF01)
OUT_OF_RESOURCES = 0xA7
"""First byte of the statuses A700, A701, A702 (PS3.4 C.4.3.1.4)."""
REFUSED = 0xA900


class Dimse:
    """One association with a PACS, opened when needed; we store for it, it never for us."""

    def __init__(self, config: PacsConfig, pace: Pace) -> None:
        self._config, self._pace = config, pace
        self._bound = ReadBound(config.largest_instance_mb * 2**20)
        self._association: Association | None = None
        self._tls = tls_context(config) if config.tls else None
        self._wrong: HepaFedError | None = None

    def studies(self, wanted: Wanted) -> list[PacsStudy]:
        """Return the studies; PayloadError when the PACS answers with another patient's."""
        question = {wanted.keyword: wanted.value, "StudyInstanceUID": ""}
        held = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
        found = self._find("STUDY", question | dict.fromkeys(held))
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
        question = {
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
            for f in self._find("SERIES", question)
        ]

    def instances(self, series: PacsSeries) -> list[Instance]:
        """Return the instances of a series."""
        question = {
            "StudyInstanceUID": series.study,
            "SeriesInstanceUID": series.uid,
            "SOPInstanceUID": "",
            "SOPClassUID": "",
        }
        return [
            Instance(valid_uid(f.get("SOPInstanceUID")), str(f.get("SOPClassUID") or ""))
            for f in self._find("IMAGE", question)
        ]

    def fetch(
        self, series: PacsSeries, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """Read instances in batches; the PACS waits for our answer to each, so the pace holds."""
        for start in range(0, len(instances), BATCH):
            self._get(series, instances[start : start + BATCH], take)

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

        keys = {
            "StudyInstanceUID": series.study,
            "SeriesInstanceUID": series.uid,
            "SOPInstanceUID": list(instances),
        }
        question = _question("IMAGE", keys)
        association = self._open()
        association.bind(evt.EVT_C_STORE, store)
        status = 0x0000
        for answer in self._ask(lambda: association.send_c_get(question, GET)):
            status = answer[0]
        association.unbind(evt.EVT_C_STORE, store)
        if self._wrong is not None:
            raise self._broken(self._wrong)
        if status not in (0x0000, 0xB000, *PENDING):  # what is missing is counted by the caller
            raise _refusal("C-GET", status, self._config)

    def _find(self, level: str, keys: dict[str, Any]) -> list[Dataset]:
        self._wrong = None
        self._pace.wait()
        question = _question(level, keys)
        association = self._open()
        found: list[Dataset] = []
        for status, identifier in self._ask(lambda: association.send_c_find(question, FIND)):
            if status in PENDING:
                if identifier is None:
                    raise self._broken(PayloadError("an answer of the PACS cannot be read"))
                found.append(identifier)
                if len(found) > MOST_ANSWERS:
                    raise self._broken(
                        PayloadError(f"the PACS lists more than {MOST_ANSWERS} answers")
                    )
            elif status != 0x0000:
                raise _refusal("C-FIND", status, self._config)
        return found

    def _ask(self, send: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Yield the status and identifier of each answer; BrokenConnectionError without one."""
        try:
            for answer, identifier in send():
                if "Status" not in answer:
                    raise self._broken(_no_answer())
                yield int(answer.Status), identifier
        except HepaFedError:
            raise
        except ValueError:  # no context for the service, or the question cannot be encoded
            raise self._broken(
                PacsError("the PACS does not offer C-FIND and C-GET here", _ask_admin(self._config))
            ) from None
        except Exception as e:  # a hostile answer can fail anywhere inside the parsers
            if not (self._association and self._association.is_established):
                raise self._broken(_no_answer()) from None
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


def _no_answer() -> BrokenConnectionError:
    return BrokenConnectionError(
        "the PACS ended the connection, or did not answer in time", "raise timeout, or try later"
    )


def _refusal(service: str, status: int, config: PacsConfig) -> HepaFedError:
    if status >> 8 == OUT_OF_RESOURCES:
        return BrokenConnectionError(
            "the PACS has no free resources", "lower parallel, or try later"
        )
    return PacsError(f"the PACS refuses a {service} (0x{status:04X})", _ask_admin(config))


def _ask_admin(config: PacsConfig) -> str:
    return f"ask its administrator to allow {config.ae_title} query and retrieve (C-FIND, C-GET)"


def _question(level: str, keys: dict[str, Any]) -> Dataset:
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        if isinstance(value, str) and not value.isascii():
            made.SpecificCharacterSet = "ISO_IR 192"
        setattr(made, keyword, value)
    return made
