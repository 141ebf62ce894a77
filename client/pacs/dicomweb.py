"""A PACS over DICOMweb: QIDO-RS to ask, WADO-RS to read (DICOM PS3.18 10.6 and 10.4)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from dicomweb_client import DICOMwebClient
from hepafed.client.pacs.config import HINT, PacsConfig
from hepafed.client.pacs.connection import (
    MOST_ANSWERS,
    BrokenConnectionError,
    Instance,
    NothingThereError,
    Pace,
    PacsError,
    PacsSeries,
    PacsStudy,
    is_asked_for,
    valid_count,
    valid_uid,
)
from hepafed.client.pacs.request_list import Wanted
from hepafed.client.pacs.web_session import LARGEST_ANSWER, ReadOnlySession
from hepafed.common.errors import (
    ConfigError,
    FederationError,
    PayloadError,
    RefusedError,
    UnreachableError,
)
from pydicom import dcmwrite

PAGE = 1000
"""Answers that are asked for at a time."""
ENVELOPE = 1024 * 1024
"""Bytes that the multipart envelope may add to an instance."""
TAGS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
    "SOPClassUID": "00080016",
    "Modality": "00080060",
    "AccessionNumber": "00080050",
    "PatientID": "00100020",
    "NumberOfStudyRelatedSeries": "00201206",
    "NumberOfStudyRelatedInstances": "00201208",
    "NumberOfSeriesRelatedInstances": "00201209",
}
"""Tag of each attribute that is read, as DICOM JSON names it."""
WORTH_TRYING_AGAIN = (408, 429, 502, 503, 504)


class DicomWeb:
    """One HTTP connection to a DICOMweb service."""

    def __init__(self, config: PacsConfig, pace: Pace, most_answers: int = MOST_ANSWERS) -> None:
        self._config, self._pace, self._most_answers = config, pace, most_answers
        self._session = ReadOnlySession(config)
        try:
            self._client = DICOMwebClient(
                config.url.rstrip("/"),
                session=self._session,
                permissive_uid=True,
                timeout=config.timeout,
            )
        except ValueError:
            raise ConfigError("url: not an address that DICOMweb can use", HINT) from None
        self._client.set_http_retry_params(retry=False)

    def studies(self, wanted: Wanted) -> list[PacsStudy]:
        """Return the studies; PayloadError when the PACS answers with another patient's."""
        held = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
        found = self._pages(
            self._client.search_for_studies,
            search_filters={wanted.keyword: wanted.value},
            fields=[wanted.keyword, "StudyInstanceUID", *held],
        )
        if not all(is_asked_for(wanted, _value(f, wanted.keyword)) for f in found):
            raise PayloadError("the PACS answered with studies that were not asked for")
        return list(
            dict.fromkeys(
                PacsStudy(
                    valid_uid(_value(f, "StudyInstanceUID")),
                    *(valid_count(_value(f, k)) for k in held),
                )
                for f in found
            )
        )

    def series(self, wanted: Wanted, study: str) -> list[PacsSeries]:
        """Return every series of a study."""
        related = "NumberOfSeriesRelatedInstances"
        found = self._pages(
            self._client.search_for_series,
            study_instance_uid=study,
            fields=["SeriesInstanceUID", "Modality", related],
        )
        return [
            PacsSeries(
                wanted,
                study,
                valid_uid(_value(f, "SeriesInstanceUID")),
                str(_value(f, "Modality")),
                valid_count(_value(f, related)),
            )
            for f in found
        ]

    def instances(self, series: PacsSeries) -> list[Instance]:
        """Return the instances of a series."""
        found = self._pages(
            self._client.search_for_instances,
            study_instance_uid=series.study,
            series_instance_uid=series.uid,
            fields=["SOPClassUID", "SOPInstanceUID"],
        )
        return [
            Instance(valid_uid(_value(f, "SOPInstanceUID")), str(_value(f, "SOPClassUID")))
            for f in found
        ]

    def fetch(
        self, series: PacsSeries, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> None:
        """Read instances one by one, each as it is stored (no transcoding is asked for)."""
        for uid in instances:
            with self._asking(self._config.largest_instance_mb * 2**20 + ENVELOPE):
                data = self._client.retrieve_instance(series.study, series.uid, uid)
                buffer = BytesIO()
                dcmwrite(buffer, data, enforce_file_format=True)
            take(buffer.getvalue())

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _pages(
        self, search: Callable[..., list[dict[str, Any]]], **question: object
    ) -> list[dict[str, Any]]:
        """Return all answers: services cap a page as they like, or know no pages.

        Raises
        ------
        PayloadError
            There are more answers than the service gives: it gave a full page twice, or said
            beside its last answers that there are others (Warning 299, PS3.18 8.3.4.4).
        """
        found: dict[str, dict[str, Any]] = {}
        more = False
        while True:
            with self._asking(LARGEST_ANSWER):
                page = search(**question, limit=PAGE, offset=len(found))
                new = {str(sorted(p.items())): p for p in page}
            before = len(found)
            found |= new
            if len(found) > self._most_answers:
                raise PayloadError(f"the PACS lists more than {self._most_answers} answers")
            if len(found) == before:
                if more or len(page) >= PAGE:
                    raise PayloadError("the PACS cuts its answer short: it has more results")
                return list(found.values())
            more = self._session.warned

    @contextmanager
    def _asking(self, limit: int) -> Iterator[None]:
        """Do one request at the pace, within a size; library errors become ours, unchained.

        The text of the library's exceptions holds addresses with identifiers.
        """
        self._pace.wait()
        self._session.bound.limit = limit
        try:
            yield
        except FederationError:
            raise
        except requests.exceptions.SSLError:
            raise UnreachableError(
                "the PACS's TLS certificate is not trusted, or it asks for ours",
                "set ca (and certificate, key) in pacs.toml",
            ) from None
        except requests.HTTPError as e:
            raise _refusal(0 if e.response is None else e.response.status_code) from None
        except requests.TooManyRedirects:
            raise PacsError(
                "the PACS redirects to another address", "set url to that address"
            ) from None
        except (requests.JSONDecodeError, requests.exceptions.InvalidHeader):
            raise PacsError("the PACS does not speak DICOMweb here", "check url") from None
        except requests.RequestException:
            where = urlsplit(self._config.url).netloc
            raise BrokenConnectionError(
                f"cannot reach the PACS at {where}, or the connection was interrupted",
                "Is the address right? Is its port open from this machine?",
            ) from None
        except Exception as e:  # a hostile answer can fail anywhere inside the parsers
            raise PayloadError(f"the PACS sent what cannot be read ({type(e).__name__})") from None


def _refusal(status: int) -> FederationError:
    if status in (401, 403):
        return RefusedError(
            f"the PACS refuses our login (HTTP {status})", "check auth and its secret in pacs.toml"
        )
    if status == HTTPStatus.NOT_FOUND:
        return NothingThereError("the PACS finds nothing (HTTP 404)", "check url")
    if status in WORTH_TRYING_AGAIN:
        return BrokenConnectionError(
            f"the PACS is busy (HTTP {status})", "lower per_second, or try later"
        )
    return PacsError(
        f"the PACS fails a request (HTTP {status})", "check url, or ask its administrator"
    )


def _value(found: dict[str, Any], keyword: str) -> object:
    """Take the first value of an attribute from DICOM JSON (PS3.18 F.2), or an empty text."""
    try:
        values = found.get(TAGS[keyword], {}).get("Value") or [""]
        return "" if values[0] is None else values[0]
    except (AttributeError, KeyError, IndexError, TypeError):
        raise PayloadError("the PACS answered with something that is not DICOM JSON") from None
