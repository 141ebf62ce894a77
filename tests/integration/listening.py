"""What stands between a site and the gateway: it listens on loopback, a thread a connection."""

import socket
import threading


class Listener:
    """Accepts connections until it is closed; a subclass says what becomes of each."""

    def __init__(self, received: int = 0) -> None:
        """`received`: bytes that wait to be read at most; 0: as the system has it."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        if received:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def opened(self, here: socket.socket) -> None:
        """Do what is to be done with a connection."""
        raise NotImplementedError

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self.opened, args=(here,), daemon=True).start()
