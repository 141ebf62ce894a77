"""An association with a PACS: what it proposes, how it is opened, and how much it may read."""

import ssl

from hepafed.client.pacs.config import PacsConfig
from hepafed.client.pacs.connection import CLASSES, BrokenConnectionError
from hepafed.common.errors import HepaFedError, RefusedError
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

FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
"""Study Root Query/Retrieve Information Model - FIND (PS3.4 C.4.1)."""
GET = UID("1.2.840.10008.5.1.4.1.2.2.3")
"""Study Root Query/Retrieve Information Model - GET."""
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


class ReadBound:
    """Bounds what an association reads of one message; the library would read up to 4 GB a unit."""

    def __init__(self, largest: int) -> None:
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
                raise OSError("too large")
            return read(nr_bytes)

        self._received = 0
        connection.recv = bounded  # type: ignore[method-assign]

    def message_ended(self, _event: Event) -> None:
        """Begin to count anew."""
        self._received = 0


def offer(config: PacsConfig) -> tuple[AE, list[SCP_SCU_RoleSelectionNegotiation]]:
    """Return what an association proposes: to ask, to read, and to be sent what was asked for.

    For storage the role is that of the receiver alone, so that nothing can be stored there.
    """
    ae = AE(ae_title=config.ae_title)
    ae.connection_timeout = ae.acse_timeout = config.timeout
    ae.dimse_timeout = ae.network_timeout = config.timeout
    ae.add_requested_context(FIND)
    ae.add_requested_context(GET)
    roles = []
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
