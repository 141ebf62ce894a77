"""A hospital's proxy: it opens tunnels (CONNECT), and may decrypt what goes through them."""

import select
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hepafed.common.certificates import make_authority, make_server_certificate

from .listening import Listener


class Proxy(Listener):
    """Listens on loopback; only through it the names of `hosts` lead anywhere."""

    def __init__(self, hosts: dict[str, int], inspects: Path | None = None) -> None:
        """`hosts`: the loopback port behind each name; `inspects`: where its own keys lie."""
        self._hosts, self._inspects = hosts, inspects
        self.tunnels: list[str] = []
        """What was asked for, HOST:PORT each."""
        self.read = b""
        """The beginning of what an inspecting proxy has read."""
        if inspects is not None:
            make_authority(inspects, datetime.now(UTC))
            make_server_certificate(inspects, [*hosts], datetime.now(UTC))
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"

    def opened(self, here: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = here.recv(1)
            if not part:
                here.close()
                return
            head += part
        method, target = head.decode().split()[:2]
        assert method == "CONNECT"
        self.tunnels.append(target)
        name = target.rpartition(":")[0]
        try:
            there = socket.create_connection(("127.0.0.1", self._hosts[name]))
        except (KeyError, OSError):  # an unknown name, or nobody listens yet
            here.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            here.close()
            return
        here.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self._inspects is not None:
            inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            inner.load_cert_chain(self._inspects / "server.pem", self._inspects / "server.key")
            outer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            outer.check_hostname, outer.verify_mode = False, ssl.CERT_NONE
            try:
                here = inner.wrap_socket(here, server_side=True)
            except OSError:  # the client does not trust this proxy
                here.close()
                there.close()
                return
            there = outer.wrap_socket(there, server_hostname=name)
        with suppress(OSError):
            self._pass_on(here, there)
        here.close()
        there.close()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        """Carry bytes both ways until either side ends; in one thread, for TLS is not of two."""
        ends = {one: other, other: one}
        for end in ends:
            end.setblocking(False)
        while True:
            waiting = [e for e in ends if isinstance(e, ssl.SSLSocket) and e.pending()]
            for end in waiting or select.select([*ends], [], [])[0]:
                try:
                    part = end.recv(1 << 16)
                except ssl.SSLWantReadError:  # a record without content, such as a session ticket
                    continue
                if not part:
                    return
                self.read = (self.read + part)[: 1 << 20]
                to = ends[end]
                to.setblocking(True)
                to.sendall(part)
                to.setblocking(False)
