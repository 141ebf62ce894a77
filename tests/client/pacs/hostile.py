"""Services that speak DICOMweb and DIMSE correctly enough to lie over them."""

import json
import socketserver
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pydicom
from hepafed.client.pacs.association import FIND, GET, MOVE
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, build_context, evt
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext

Answer = tuple[int, dict[str, str], Iterator[bytes]]


def as_json(*found: dict[str, str]) -> Answer:
    """Answer a question as QIDO-RS does."""
    tags = {
        "StudyInstanceUID": "0020000D",
        "SeriesInstanceUID": "0020000E",
        "Modality": "00080060",
        "SOPInstanceUID": "00080018",
        "SOPClassUID": "00080016",
        "AccessionNumber": "00080050",
        "NumberOfStudyRelatedSeries": "00201206",
        "NumberOfStudyRelatedInstances": "00201208",
        "NumberOfSeriesRelatedInstances": "00201209",
    }
    body = [{tags[k]: {"vr": "UI", "Value": [v]} for k, v in f.items()} for f in found]
    return 200, {"Content-Type": "application/dicom+json"}, iter([json.dumps(body).encode()])


def as_multipart(*parts: bytes) -> Answer:
    """Answer with instances as WADO-RS does."""
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    opening = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    return 200, headers, iter([*(opening + p + b"\r\n" for p in parts), b"--b--\r\n"])


@contextmanager
def http(answer: Callable[[str], Answer]) -> Iterator[int]:
    """Serve what `answer` makes of each path; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in (headers | {"Connection": "close"}).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in body:
                    self.wfile.write(piece)
            except OSError:  # the client has had enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def scp(
    find: Callable[[Dataset], list[Dataset]], get: Callable[[Dataset], list[Dataset]]
) -> Iterator[int]:
    """Serve C-FIND and C-GET; gives the port."""

    def on_find(event: Event) -> Iterator[tuple[int, Dataset | None]]:
        for found in find(event.identifier):
            yield 0xFF00, found

    def on_get(event: Event) -> Iterator[object]:
        try:
            found = get(event.identifier)
        except ConnectionAbortedError:
            event.assoc.abort()
            return
        yield len(found)
        for data in found:
            yield 0xFF00, data

    ae = AE(ae_title="HOSTILE")
    ae.add_supported_context(FIND)
    ae.add_supported_context(GET)
    ae.add_supported_context(MRImageStorage, ExplicitVRLittleEndian, scu_role=True, scp_role=True)
    handlers = [(evt.EVT_C_FIND, on_find), (evt.EVT_C_GET, on_get)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@contextmanager
def raw(reply: bytes, length: int) -> Iterator[int]:
    """Serve a socket that answers anything with `reply` and then `length` bytes of nothing."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            try:
                self.request.sendall(reply)
                for _ in range(length // 65536):
                    self.request.sendall(bytes(65536))
            except OSError:
                return

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def instance(study: str, series: str, uid: str, pixels: int = 64, **more: object) -> Dataset:
    """Make a small MR instance."""
    made = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a UID that is none
        made.SOPClassUID, made.SOPInstanceUID = MRImageStorage, uid
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = study, series, "MR"
    for keyword, value in more.items():
        setattr(made, keyword, value)
    made.Rows, made.Columns, made.BitsAllocated, made.SamplesPerPixel = 1, 32, 16, 1
    made.PixelRepresentation, made.PhotometricInterpretation = 0, "MONOCHROME2"
    made.PixelData = bytes(pixels)
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = MRImageStorage
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.file_meta.MediaStorageSOPInstanceUID = uid
    return made


def as_file(data: Dataset) -> bytes:
    """Give a data set as a DICOM file."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, data, enforce_file_format=True)
    return buffer.getvalue()


@contextmanager
def mover(
    find: Callable[[Dataset], list[Dataset]], move: Callable[[Dataset], Iterator[object]]
) -> Iterator[int]:
    """Serve C-FIND and C-MOVE, and no C-GET; gives the port.

    `move` yields what pynetdicom's handler of C-MOVE does: a destination, a number, instances.
    """

    def on_find(event: Event) -> Iterator[tuple[int, Dataset | None]]:
        for found in find(event.identifier):
            yield 0xFF00, found

    ae = AE(ae_title="HOSTILE")
    ae.add_supported_context(FIND)
    ae.add_supported_context(MOVE)
    ae.requested_contexts = sending()
    handlers = [(evt.EVT_C_FIND, on_find), (evt.EVT_C_MOVE, lambda e: move(e.identifier))]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def sending() -> list[PresentationContext]:
    """Give what a PACS of these tests proposes when it sends."""
    return [build_context(MRImageStorage, ExplicitVRLittleEndian)]


def push(
    port: int,
    *data: Dataset,
    sender: str = "HOSTILE",
    called: str = "HEPAFED",
    source: str = "127.0.0.1",
    address: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> list[int]:
    """Send instances as any program can; gives the answers: none without an association, -1 for
    none that came.
    """
    ae = AE(ae_title=sender)
    for sop_class in dict.fromkeys(str(d.SOPClassUID) for d in data):
        ae.add_requested_context(sop_class, ExplicitVRLittleEndian)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 10
    association = ae.associate(
        address,
        port,
        ae_title=called,
        bind_address=(source, 0),
        tls_args=(tls, address) if tls else None,
    )
    if not association.is_established:
        return []
    answers = []
    for one in data:
        if not association.is_established:
            answers.append(-1)
            continue
        answers.append(int(association.send_c_store(one).get("Status", -1)))
    if association.is_established:
        association.release()
    return answers
