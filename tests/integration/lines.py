"""A line between sites and the gateway: of one speed and delay, with stalls, and with cuts."""

import queue
import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from .listening import Listener

_PIECE = 1 << 14
BULK = 1 << 20
"""A cut takes a connection that carried so many bytes, so that it is not one of Flower's."""
UP, DOWN = "up", "down"
Held = queue.Queue[tuple[float, bytes]]
"""When each piece is at the other end, and its bytes."""


@dataclass(frozen=True)
class Quality:
    """What a line is like; of the way up, the way down is only late."""

    rate: float = 0.0
    """Bytes a second; 0: as many as come."""
    latency: float = 0.0
    """Seconds of each way."""
    loss: float = 0.0
    """Part of the pieces that are late by a way there and back, as if they had been sent again."""


class Line(Listener):
    """Listens on loopback, carries bytes to a port and back, and counts them."""

    def __init__(self, port: int, quality: Quality = Quality(), seed: int = 1) -> None:
        self._port, self._quality = port, quality
        self._random, self._free = random.Random(seed), 0.0
        self._pieces = 8 + int(quality.rate * quality.latency / _PIECE)
        """How many pieces are on the way at most; a cut loses them."""
        self._lock = threading.Lock()
        self.carried = {UP: 0, DOWN: 0}
        """Bytes that the line took in, each way; also those that a cut lost."""
        self.cuts: dict[str, list[int]] = {UP: [], DOWN: []}
        """At how many bytes of each way the connection is cut; in order."""
        super().__init__(received=1 << 16)

    def opened(self, here: socket.socket) -> None:
        try:
            there = socket.create_connection(("127.0.0.1", self._port))
        except OSError:
            here.close()
            return
        for way, one, other in ((UP, here, there), (DOWN, there, here)):
            held: Held = queue.Queue(self._pieces)
            for target in (self._take, self._give):
                arguments = (way, one, other, held)
                threading.Thread(target=target, args=arguments, daemon=True).start()

    def _take(self, way: str, one: socket.socket, other: socket.socket, held: Held) -> None:
        own = 0
        with suppress(OSError):
            while part := one.recv(_PIECE):
                own += len(part)
                if self._is_cut(way, own, len(part)):
                    break
                held.put((self._due(way, len(part)), part))
            else:
                held.put((0.0, b""))
                return
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()  # what comes after it is answered with a reset
        held.put((0.0, b""))

    def _give(self, _way: str, _one: socket.socket, other: socket.socket, held: Held) -> None:
        gone = False
        while True:
            due, part = held.get()
            if not part:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not gone:
                    other.sendall(part)
            except OSError:
                gone = True
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def _is_cut(self, way: str, own: int, size: int) -> bool:
        with self._lock:
            self.carried[way] += size
            cuts = self.cuts[way]
            if cuts and self.carried[way] >= cuts[0] and own >= BULK:
                cuts.pop(0)
                return True
            return False

    def _due(self, way: str, size: int) -> float:
        """Wait for the line's turn; return when these bytes are at its other end."""
        quality, now = self._quality, time.monotonic()
        late = quality.latency
        if way == UP:
            with self._lock:
                if quality.rate:
                    self._free = max(now, self._free) + size / quality.rate
                if self._random.random() < quality.loss:
                    self._free = max(now, self._free) + 2 * quality.latency
                now = max(now, self._free)
            time.sleep(max(0.0, now - time.monotonic()))
        return now + late
