"""A wire between a site and the gateway on which the answer to an enrolment gets lost once."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hepafed.deploy.demo.federation import Federation

from .listening import Listener


class LossyWire(Listener):
    """Stands between a site and the gateway and, once, breaks off before the answer comes back."""

    def __init__(self, fed: Federation, site: str) -> None:
        self._members, self._site = fed.home("server") / "members.json", site
        self._to = ("127.0.0.1", int(fed.address.rpartition(":")[2]))
        self.lossy = True
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"

    def _enrolled(self) -> bool:
        sites = json.loads(self._members.read_text())["sites"]
        return any(s["site"] == self._site and s["public_key"] for s in sites)

    def opened(self, here: socket.socket) -> None:
        there = socket.create_connection(self._to)
        for pair in ((here, there), (there, here)):
            threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, to: socket.socket) -> None:
        try:
            while part := source.recv(1 << 16):
                if self.lossy and self._enrolled():
                    self.lossy = False
                    break
                to.sendall(part)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@contextmanager
def through(wire: LossyWire, fed: Federation, invite: Path) -> Iterator[None]:
    """Have an invite lead over the wire."""
    invite.write_text(invite.read_text().replace(fed.address, wire.address))
    try:
        yield
    finally:
        wire.close()
