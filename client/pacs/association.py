"""An association with a PACS: how it is opened or accepted, what it asks, how much it reads."""

import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from socketserver import ThreadingTCPServer
from typing import Any

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import CLASSES, BrokenConnectionError, PacsError, PacsSeries
from hepafed.common.errors import HepaFedError, RefusedError
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import build_role
from pynetdicom.transport import ThreadedAssociationServer

FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
"""Study Root Query/Retrieve Information Model - FIND (PS3.4 C.4.1)."""
GET = UID("1.2.840.10008.5.1.4.1.2.2.3")
"""Study Root Query/Retrieve Information Model - GET."""
MOVE = UID("1.2.840.10008.5.1.4.1.2.2.2")
"""Study Root Query/Retrieve Information Model - MOVE."""
SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
    RLELossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)
"""Each in a presentation context of its own, so that nothing has to be transcoded; not the
deflated one, whose size is known only after inflating."""
LARGEST_PDU = 1024 * 1024
"""Bytes of one protocol data unit; we ask for 64 KB."""
OUT_OF_RESOURCES = 0xA7
"""First byte of the statuses A700, A701, A702 (PS3.4 C.4.3.1.4)."""


class ReadBound:
    """Bounds what an association reads of one message; the library would read up to 4 GB a unit."""

    def __init__(self, largest: int, exceeds: Callable[[], None] = lambda: None) -> None:
        self._exceeds = exceeds
        self.largest = largest
        """Bytes of one instance."""
        self.exceeded = False
        """Whether a message was larger, which ended the association."""
        self._received = 0

    def opened(self, event: Event) -> None:
        """Put the bound before the socket of a connection that was opened."""
        connection = event.assoc.dul.socket
        if connection is None:
            return
        read = connection.recv

        def bounded(nr_bytes: int) -> bytearray:
            self._received += nr_bytes
            if nr_bytes > LARGEST_PDU or self._received > self.largest + LARGEST_PDU:
                self.exceeded = True
                self._exceeds()
                raise OSError("too large")
            return read(nr_bytes)

        self._received = 0
        connection.recv = bounded  # type: ignore[method-assign]

    def message_ended(self, _event: Event) -> None:
        """Begin to count anew."""
        self._received = 0


def offer(config: PacsConfig) -> tuple[AE, list[SCP_SCU_RoleSelectionNegotiation]]:
    """Return what an association proposes: to ask, to read, and to be sent what was asked for.

    For storage the role is that of the receiver alone, so that nothing can be stored there. With
    C-MOVE nothing of storage is proposed: the PACS sends to the listener.
    """
    ae = AE(ae_title=config.ae_title)
    ae.connection_timeout = ae.acse_timeout = config.timeout
    ae.dimse_timeout = ae.network_timeout = config.timeout
    ae.add_requested_context(FIND)
    roles: list[SCP_SCU_RoleSelectionNegotiation] = []
    if config.retrieve == "move":
        ae.add_requested_context(MOVE)
        return ae, roles
    ae.add_requested_context(GET)
    for kind in ("MR", *config.also):
        for sop_class in CLASSES[kind]:
            for syntax in SYNTAXES if kind == "MR" else SYNTAXES[:2]:
                ae.add_requested_context(sop_class, syntax)
            roles.append(build_role(sop_class, scp_role=True))
    return ae, roles


def associate(config: PacsConfig, tls: ssl.SSLContext | None, bound: ReadBound) -> Association:
    """Open an association.

    Raises
    ------
    RefusedError
        The PACS rejects it.
    BrokenConnectionError
        No connection came about.
    """
    ae, roles = offer(config)
    association = ae.associate(
        config.host,
        config.port,
        ae_title=config.called_ae_title,
        max_pdu=65536,
        ext_neg=list(roles),
        tls_args=(tls, config.host) if tls else None,
        evt_handlers=[
            (evt.EVT_CONN_OPEN, bound.opened),
            (evt.EVT_DIMSE_RECV, bound.message_ended),
        ],
    )
    if not association.is_established:
        raise _not_established(config, association)
    return association


def _not_established(config: PacsConfig, association: Association) -> HepaFedError:
    where = f"{config.host}:{config.port}"
    if association.is_rejected:
        return RefusedError(
            f"the PACS at {where} rejects the association",
            "Does the PACS know our ae_title? Is called_ae_title right?",
        )
    hint = "Is the address right? Is its port open from this machine?"
    if config.tls:
        hint = "Does this port use TLS? Are ca, certificate and key right?"
    return BrokenConnectionError(f"cannot open an association with the PACS at {where}", hint)


class Port(ThreadedAssociationServer):
    """An open port; it hears nobody but whom it admits, and waits for no single connection."""

    daemon_threads = True

    def admit(self, admits: Callable[[str], bool]) -> None:
        """Say which addresses may connect; to be called before it serves."""
        self._admits = admits

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection; no read of it will wait without end."""
        if self.socket is None:
            raise OSError("closed")
        connection, address = self.socket.accept()
        connection.settimeout(self.ae.network_timeout)
        return connection, address

    def verify_request(self, _request: object, client_address: Any) -> bool:  # noqa: ANN401
        """Return whether an address may connect; otherwise the connection is closed unread."""
        return self._admits(plain_address(str(client_address[0])))

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Serve a connection in a thread of its own, the TLS handshake as well."""
        if self.ssl_context:
            request = self.ssl_context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, _request: object, _client_address: object) -> None:
        """Say nothing of a connection that broke; its address would be printed."""

    def shutdown(self) -> None:
        """Stop serving and close the port."""
        ThreadingTCPServer.shutdown(self)
        self.server_close()


def plain_address(address: str) -> str:
    """Return one form of an address: an IPv4 client of an IPv6 socket is an IPv4 one."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def retrieval(series: PacsSeries, instances: Sequence[str]) -> Dataset:
    """Return what asks for instances of a series."""
    keys = {
        "StudyInstanceUID": series.study,
        "SeriesInstanceUID": series.uid,
        "SOPInstanceUID": list(instances),
    }
    return question("IMAGE", keys)


def question(level: str, keys: dict[str, Any]) -> Dataset:
    """Return what asks for the entries of a level that match keys."""
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        if isinstance(value, str) and not value.isascii():
            made.SpecificCharacterSet = "ISO_IR 192"
        setattr(made, keyword, value)
    return made


def no_answer() -> BrokenConnectionError:
    """Return the error of an answer that did not come."""
    return BrokenConnectionError(
        "the PACS ended the connection, or did not answer in time", "raise timeout, or try later"
    )


def refusal(service: str, status: int, config: PacsConfig) -> HepaFedError:
    """Return the error of a status of failure."""
    if status >> 8 == OUT_OF_RESOURCES:
        return BrokenConnectionError(
            "the PACS has no free resources", "lower parallel, or try later"
        )
    return PacsError(f"the PACS refuses a {service} (0x{status:04X})", ask_admin(config))


def not_offered(config: PacsConfig) -> RefusedError:
    """Return the error of a PACS that does not accept the services; it ends the whole fetch."""
    return RefusedError(f"the PACS does not offer {_services(config)} here", ask_admin(config))


def ask_admin(config: PacsConfig) -> str:
    """Return what to ask the PACS's administrator for."""
    asked = f"ask its administrator to allow {config.ae_title} query and retrieve"
    other = ' If it offers C-MOVE and no C-GET, write retrieve = "move"'
    return f"{asked} ({_services(config, ', ')})" + (
        "." + other if config.retrieve == "get" else ""
    )


def where_to(config: PacsConfig) -> str:
    """Return what the PACS must know to send to us."""
    return (
        f"the PACS must know {config.ae_title} with the address of this machine and port "
        f"{config.listen_port}, and no firewall may be between them"
    )


def _services(config: PacsConfig, between: str = " and ") -> str:
    return f"C-FIND{between}C-{config.retrieve.upper()}"
