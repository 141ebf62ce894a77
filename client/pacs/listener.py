"""The port to which a PACS sends after a C-MOVE: it takes what was asked for, and nothing else."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

from hepafed.client.pacs.association import SYNTAXES, Port, ReadBound, plain_address, where_to
from hepafed.client.pacs.config import AE_TITLE, PacsConfig, listening_tls_context
from hepafed.client.pacs.connection import CLASSES, Pace
from hepafed.common.errors import ConfigError, HepaFedError, PayloadError, UnreachableError
from pynetdicom import AE, evt
from pynetdicom.events import Event

TAKEN = 0x0000
NOT_ASKED_FOR = 0x0124
"""Refused: not authorised (PS3.7 C.5.24)."""
NO_RESOURCES = 0xA700
NOT_USABLE = 0xA900
SURE_AFTER = 3
"""Series that must fail before we say that the PACS cannot reach us at all."""


class Delivery:
    """Instances that one C-MOVE asks for, and what became of them."""

    def __init__(self, instances: Sequence[str], take: Callable[[bytes], None]) -> None:
        self.missing = set(instances)
        """Those that have not come yet."""
        self.take = take
        self.refused: HepaFedError | None = None
        """Why the first instance that we refused was refused."""
        self.ended: HepaFedError | None = None
        """Why nothing more can be taken: the disk is full, or the fetch is being stopped."""
        self.closed = False
        self._last = time.monotonic()

    def touch(self) -> None:
        """Note that the PACS is at work."""
        self._last = time.monotonic()

    def idle(self) -> float:
        """Return the seconds since the PACS last was at work."""
        return time.monotonic() - self._last


class Listener:
    """Listens at `listen_address` and `listen_port` while it is entered, for stores alone.

    It speaks with the PACS's own addresses and application entities alone, and takes only the
    instances of the deliveries under way, each once.
    """

    def __init__(self, config: PacsConfig, pace: Pace) -> None:
        self._config, self._pace = config, pace
        self._changed = threading.Condition()
        self._expected: dict[str, Delivery] = {}
        self._taking: set[str] = set()
        self._accepted = self._instances = self._connections = 0
        self._last_refused = ""
        self._in_vain: set[str] = set()
        self._ae = AE(ae_title=config.ae_title)
        self._server: Port | None = None

    def __enter__(self) -> "Listener":
        """Open the port.

        Raises
        ------
        ConfigError
            The port is taken, or the address is not one of this machine's.
        """
        config, ae = self._config, self._ae
        ae.require_called_aet = True
        ae.require_calling_aet = [config.sender_ae_title or config.called_ae_title]
        ae.maximum_associations = 2 * config.parallel  # the PACS may open one before it ends one
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = config.timeout
        ae.maximum_pdu_size = 65536
        for kind in ("MR", *config.also):
            for sop_class in CLASSES[kind]:
                syntaxes = SYNTAXES if kind == "MR" else SYNTAXES[:2]
                ae.add_supported_context(sop_class, list(syntaxes))
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_ACCEPTED, self._association_accepted),
            (evt.EVT_REJECTED, self._association_rejected),
            (evt.EVT_C_STORE, self._store),
        ]
        allowed = _addresses(config)
        try:
            self._server = Port(
                ae,
                (config.listen_address, config.listen_port),
                config.ae_title,
                ae.supported_contexts,
                listening_tls_context(config) if config.tls else None,
                evt_handlers=handlers,
            )
        except OSError as e:
            raise _cannot_listen(config, e) from None
        self._server.admit(lambda address: self._admits(address, allowed))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port and every association with it."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        for association in self._ae.active_associations:
            connection = getattr(association.dul.socket, "socket", None)
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # wakes a read that waits
            association.kill()

    @contextlib.contextmanager
    def delivery(
        self, instances: Sequence[str], take: Callable[[bytes], None]
    ) -> Iterator[Delivery]:
        """Let these instances be sent, and give each to `take`; nothing is taken afterwards."""
        made = Delivery(instances, take)
        with self._changed:
            if not self._expected.keys().isdisjoint(instances):
                raise PayloadError("the PACS lists an instance in two series")
            self._expected |= dict.fromkeys(instances, made)
        try:
            yield made
        finally:
            with self._changed:
                made.closed = True
                for uid in instances:
                    self._expected.pop(uid, None)
                self._changed.wait_for(lambda: self._taking.isdisjoint(instances))

    def wait_for(self, delivery: Delivery, seconds: float) -> None:
        """Wait until all of a delivery is here, or nothing has come for some seconds."""
        with self._changed:
            while delivery.missing and delivery.ended is None and delivery.idle() < seconds:
                self._changed.wait(0.1)

    def is_in_vain(self, series: str) -> bool:
        """Note that a series did not come; return whether the PACS seems not to reach us at all."""
        with self._changed:
            self._in_vain.add(series)
            return not self._accepted and len(self._in_vain) >= SURE_AFTER

    @property
    def refused(self) -> str:
        """What was refused here, as a sentence for a person; empty if nothing was."""
        parts = []
        if self._instances:
            parts.append(f"instances that were not asked for or not usable: {self._instances}")
        if self._connections:
            parts.append(f"connections: {self._connections}, the last {self._last_refused}")
        return f"refused at listen_port: {'; '.join(parts)}" if parts else ""

    @property
    def advice(self) -> str:
        """What to do when not all came: what was refused, and what the PACS must know of us."""
        parts = [self.refused[:1].upper() + self.refused[1:]] if self.refused else []
        if self._in_vain and not self._accepted:
            known = "If that is the PACS, write sender_ae_title or sender_addresses"
            lost = f"Nothing that the PACS sends arrives here: {where_to(self._config)}"
            parts.append(known if self._connections else lost)
        return ". ".join(parts)

    def _admits(self, address: str, allowed: frozenset[str]) -> bool:
        if address in allowed:
            return True
        self._count_connection(f"from {address}, which is not among sender_addresses")
        return False

    def _opened(self, event: Event) -> None:
        bound = ReadBound(self._config.largest_instance_mb * 2**20, self._too_large)
        event.assoc.bind(evt.EVT_DIMSE_RECV, bound.message_ended)
        bound.opened(event)

    def _association_accepted(self, _event: Event) -> None:
        with self._changed:
            self._accepted += 1

    def _association_rejected(self, event: Event) -> None:
        asked = event.assoc.requestor.primitive
        names = ("calling_ae_title", "called_ae_title")
        titles = [str(getattr(asked, n, "") or "").strip() for n in names]
        sender, called = (t if AE_TITLE.fullmatch(t) else "?" for t in titles)
        if [sender] == self._ae.require_calling_aet and called == self._config.ae_title:
            self._count_connection("one more than 2 for each of parallel")
        else:
            self._count_connection(f"of AE title {sender} to {called}")

    def _count_connection(self, what: str) -> None:
        with self._changed:
            self._connections += 1
            self._last_refused = what

    def _too_large(self) -> None:
        largest = self._config.largest_instance_mb
        with self._changed:
            for delivery in self._expected.values():
                error = PayloadError(f"an instance is larger than {largest} MB")
                delivery.refused = delivery.refused or error

    def _store(self, event: Event) -> int:
        """Answer one C-STORE, in its association's own thread."""
        uid = str(getattr(event.request, "AffectedSOPInstanceUID", "") or "").strip("\0 ")
        delivery = self._expected.get(uid)
        if delivery is None:
            return self._refuse_instance()
        try:
            self._pace.wait()  # the PACS waits for our answer, so the pace is kept
            with self._changed:  # meanwhile it may have come, or be asked for anew
                delivery = self._expected.pop(uid, None)
                self._taking |= {uid} if delivery else set()
            return self._refuse_instance() if delivery is None else self._take(uid, delivery, event)
        except HepaFedError as e:
            if delivery is not None:
                delivery.ended = delivery.ended or e
            return NO_RESOURCES

    def _take(self, uid: str, delivery: Delivery, event: Event) -> int:
        taken = False
        try:
            delivery.take(event.encoded_dataset())
            taken = True
        except PayloadError as e:
            delivery.refused = delivery.refused or e
        except HepaFedError:
            raise
        except Exception as e:  # a hostile message can fail anywhere inside the parsers
            kind = type(e).__name__
            wrong = PayloadError(f"the PACS sent what cannot be read ({kind})")
            delivery.refused = delivery.refused or wrong
        finally:
            with self._changed:
                delivery.touch()
                self._taking.discard(uid)
                if taken:
                    delivery.missing.discard(uid)
                else:
                    self._instances += 1
                    if not delivery.closed:  # the true one may still come
                        self._expected[uid] = delivery
                self._changed.notify_all()
        return TAKEN if taken else NOT_USABLE

    def _refuse_instance(self) -> int:
        with self._changed:
            self._instances += 1
        return NOT_ASKED_FOR


def _addresses(config: PacsConfig) -> frozenset[str]:
    """Return the addresses that may send: those configured, else those of the PACS."""
    if config.sender_addresses:
        return frozenset(plain_address(a) for a in config.sender_addresses)
    try:
        found = socket.getaddrinfo(config.host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise UnreachableError(
            f"the address of {config.host} cannot be found",
            "correct host, or name sender_addresses",
        ) from None
    return frozenset(plain_address(str(address[4][0])) for address in found)


def _cannot_listen(config: PacsConfig, error: OSError) -> ConfigError:
    why, hint = {
        errno.EADDRINUSE: (
            "the port is already taken",
            "end the program that uses it, or write another listen_port and tell the PACS's "
            "administrator",
        ),
        errno.EADDRNOTAVAIL: (
            "this machine has no such address",
            "write one of this machine's addresses as listen_address; ip address lists them",
        ),
        errno.EACCES: (
            "this account may not use that port",
            "write a listen_port of 1024 or more and tell the PACS's administrator",
        ),
    }.get(error.errno or 0, (str(error.strerror), "check listen_address and listen_port"))
    where = f"{config.listen_address}:{config.listen_port}"
    return ConfigError(f"cannot listen at {where}: {why}", hint)
