"""A running coordinator but for the network: its parts, and how they start and stop together."""

import threading
from pathlib import Path

from hepafed.server.coordinator.conductor import Conductor
from hepafed.server.coordinator.membership import Membership
from hepafed.server.coordinator.queue import Queue
from hepafed.server.coordinator.requests import Requests
from hepafed.server.coordinator.supervisor import supervise
from hepafed.server.flower import Control, ServerAppExecutor, SuperLink
from hepafed.server.members import Admission, LedgerHeads, Members
from hepafed.server.runs import PERSON_SECONDS, Stores


class Coordinator:
    """SuperLink, executor, queue and supervisor over one home; the gateway is its caller."""

    def __init__(self, home: Path, patience: float = PERSON_SECONDS) -> None:
        """`patience`: seconds that a run waits for the person at one site."""
        self._patience = patience
        self.members = Members(home)
        self.admission = Admission(home, self.members)
        self.heads = LedgerHeads(home)
        self.stores = Stores(home)
        self.superlink = SuperLink(home)
        self.control = Control(self.superlink)
        self.membership = Membership(self.members, self.control, self.heads)
        self._stopping = threading.Event()
        runs, registry = self.stores.runs, self.stores.registry
        self.queue = Queue(runs, self.superlink, self.control, self._stopping)
        self.requests = Requests(runs, registry, self.members, self.membership, self.queue.wake)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the SuperLink, the executor and the queue; unfinished runs go on.

        Raises
        ------
        RunError
            The SuperLink does not start.
        """
        self.stores.blobs.clear()
        self.stores.inbox.clear()
        self.superlink.start()
        self.membership.restore()
        conductor = Conductor(
            self.stores,
            self.members,
            self.heads,
            self._patience,
            self.membership.presence.connections,
        )
        executor = ServerAppExecutor(
            self.superlink, conductor, self._stopping, self.queue.attempt_over
        )
        for name, target in (
            ("executor", executor.serve),
            ("queue", self.queue.serve),
            ("supervisor", self._supervise),
        ):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _supervise(self) -> None:
        supervise(self.superlink, self._stopping, self.membership.restore, self.queue.wake)

    def stop(self) -> None:
        """End everything; a run under way goes on at the next start."""
        self._stopping.set()
        self.queue.wake()
        self.superlink.stop()
        for thread in self._threads:
            thread.join(2)
        self.superlink.stop()  # one that the supervisor was just starting
