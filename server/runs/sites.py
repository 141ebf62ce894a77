"""The sites that a run may ask: a question out over Flower, checked replies in."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from flwr.app import ConfigRecord, Message, RecordDict
from hepafed.common.contract.messages import (
    LedgerHead,
    Refusal,
    TrainReply,
    Waits,
    pack,
    unpack,
)
from hepafed.common.errors import PayloadError
from hepafed.common.retry import next_wait
from hepafed.server.members import LedgerHeads
from hepafed.server.runs.asking import Asking
from hepafed.server.runs.losses import BEGAN_ANEW, Loss, loss_of
from hepafed.server.runs.waiting import thing_of, waits_for_person

POLL_SECONDS = (0.05, 1.0)
"""Shortest and longest wait between two looks for replies; in between a twentieth of the time
already waited, so that looking costs little and a reply loses at most 5 %."""
HELD = ("exchange", "round", "run")
"""Fields of a reply that must be those of its question, the narrowest first."""

Reply = TypeVar("Reply")
Seal = Callable[[str, str, float], Mapping[str, str]]
"""Called with a site, a request's text and how many seconds it is valid; returns what is sent."""
NOT_ENROLLED = "the site is no longer enrolled"
PERSON_SECONDS = 3600.0
"""How long a run waits for the person at one site; later rounds ask that site once."""
MOST_DIGESTS = 20
"""Of how many plans and models of a run it is made known that they wait at one site."""


class Nodes(Protocol):
    """The methods of Flower's Grid that we use."""

    def get_node_ids(self) -> list[int]: ...  # noqa: D102
    def push_messages(self, messages: list[Message]) -> list[str]: ...  # noqa: D102
    def pull_messages(self, message_ids: list[str]) -> list[Message]: ...  # noqa: D102


class Sites:
    """Asks sites by name and passes on their replies until all answered or the deadline."""

    def __init__(
        self,
        grid: Nodes,
        nodes: Callable[[], Mapping[str, int]],
        may_go_on: Callable[[], bool],
        identities: Callable[[], Mapping[str, str]] = dict,
        *,
        seal: Seal = lambda _site, text, _seconds: {"json": text},
        study: Callable[[], str] = str,
        patience: float = PERSON_SECONDS,
        note: Callable[..., None] = lambda _kind, **_values: None,
        heads: LedgerHeads | None = None,
        connections: Callable[[str], int] = lambda _site: 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`study()`: that for which a person at a site allows the questions.

        `note(kind, **values)` is told what a person should know while answers are out. `waits`: a
        site begins to wait for a person to allow a digest; `lost`: a site was lost and is asked
        again when it is back; `again`: sites are asked again. `connections(site)`: of how many
        connections of a site was heard.
        """
        self._grid = grid
        self._nodes = nodes
        self._may_go_on = may_go_on
        self.identities = identities
        """Returns the enrolled public key of each site, an OpenSSH line."""
        self._seal, self._patience, self._note = seal, patience, note
        self._study = study
        self._person_since: dict[str, float] = {}
        self._waits: dict[str, set[str]] = {}
        self._heads = heads
        self._connections = connections
        self._clock = clock
        self._sleep = sleep

    def members(self) -> list[str]:
        """Return the names of the sites that this run may ask, online or not, in order."""
        return sorted(self._nodes())

    def online(self) -> list[str]:
        """Return the names of the sites whose SuperNode is connected, in order."""
        present = set(self._grid.get_node_ids())
        return sorted(s for s, node in self._nodes().items() if node in present)

    def ask(
        self,
        sites: Iterable[str],
        question: object,
        reply_type: type[Reply],
        deadline: float,
        on_reply: Callable[[str, Reply], None],
    ) -> dict[str, str]:
        """Send one question to each of `sites`; call `on_reply(site, reply)` as answers come.

        A site that is lost before it answers is asked again when it is back, until the deadline.

        A reply that reaches `on_reply` is a `reply_type` of the question's run (and of its round
        or exchange, where both have one). What it says is for `on_reply` to check; a PayloadError
        from there makes the reply unusable.

        Parameters
        ----------
        deadline
            Seconds that the answers are waited for.

        Returns
        -------
        dict
            The sites that gave no usable answer, with the reason.
        """
        text, asking, started = pack(question), Asking(), self._clock()
        end = started + deadline
        self._send(sites, text, reply_type, asking, end)
        while asking.goes_on and self._may_go_on():
            for answer in self._grid.pull_messages([*asking.waiting]) if asking.waiting else []:
                site = asking.waiting.pop(answer.metadata.reply_to_message_id, None)
                if site is None:
                    continue
                try:
                    self._see_head(site, answer)
                    on_reply(site, _reply(answer, question, reply_type))
                except _WaitsForPersonError as e:
                    again = self._holds(site, e.digest, thing_of(question, e.digest))
                    why = waits_for_person(site, self._study())
                    asking.hold_for_person(site, why, self._clock(), again=again)
                except _LostError as e:
                    self._lose(asking, site, e.loss)
                except PayloadError as e:
                    asking.failed[site] = e.message
                else:
                    asking.answered(site)
                    if self._person_since.pop(site, None) is not None:
                        self._waits.pop(site, None)
            for site in asking.cut_off(self._connections):
                self._lose(asking, site, BEGAN_ANEW)
            if self._clock() > end:
                break
            asking.drop({*asking.failed} - {*self._nodes()}, NOT_ENROLLED)
            self._ask_again(asking, text, reply_type, end)
            if asking.goes_on:
                self._sleep(next_wait(self._clock() - started, *POLL_SECONDS))
        return asking.reasons(stopped=not self._may_go_on())

    def _ask_again(self, asking: Asking, text: str, reply_type: type, end: float) -> None:
        """Put the question again to sites that waited for a person, or are back."""
        back = asking.back(self._clock(), self.online)
        first = [s for s in back if asking.is_first(s)]
        if first:
            self._note("again", sites=first)
        again = [*asking.due(self._clock()), *back]
        if again:
            self._send(again, text, reply_type, asking, end)

    def _lose(self, asking: Asking, site: str, loss: Loss) -> None:
        """Note an answer that was lost; that the site is asked again is made known."""
        if asking.lose(site, loss, self._clock()) and asking.is_first(site):
            self._note("lost", site=site, reason=loss.words)

    def _holds(self, site: str, digest: str, thing: str) -> bool:
        """Tell whether to go on waiting for the person at a site; what waits is made known once.

        The time counts from the site's last usable answer, whatever it says that waits. What waits
        after an answer is made known anew.
        """
        known = self._waits.setdefault(site, set())
        if digest not in known and len(known) < MOST_DIGESTS:
            known.add(digest)
            self._note("waits", site=site, digest=digest, study=self._study(), thing=thing)
        since = self._person_since.setdefault(site, self._clock())
        return self._clock() < since + self._patience

    def _send(
        self, sites: Iterable[str], text: str, reply_type: type, asking: Asking, end: float
    ) -> None:
        """Put the question to sites; those that are not reached have failed."""
        nodes, asked = self._nodes(), list(sites)
        order = [s for s in asked if s in nodes]
        connections = {s: self._connections(s) for s in order}
        valid = end - self._clock() + 60
        messages = [
            Message(
                RecordDict({"hepafed": ConfigRecord({**self._parts(site, text, valid)})}),
                dst_node_id=nodes[site],
                message_type="train" if reply_type is TrainReply else "evaluate",
                ttl=valid,
            )
            for site in order
        ]
        for i, site in zip(self._grid.push_messages(messages), order, strict=True):
            if i:
                asking.put(i, site, connections[site])
            else:
                asking.failed[site] = "the site is not reachable"
        asking.failed |= {s: NOT_ENROLLED for s in asked if s not in nodes}

    def _parts(self, site: str, text: str, seconds: float) -> dict[str, str]:
        """Return what goes to a site: the request, signed, and its ledger's head, countersigned."""
        return {**self._seal(site, text, seconds), **self._receipt(site)}

    def _receipt(self, site: str) -> dict[str, str]:
        """Return what goes with a question: the site's last head, countersigned."""
        if self._heads is None:
            return {}
        found = self._heads.receipt(site, self.identities().get(site, ""))
        return {} if found is None else {"receipt": pack(found)}

    def _see_head(self, site: str, answer: Message) -> None:
        """Keep the head of the site's ledger that came with an answer.

        Raises
        ------
        PayloadError
            There is none, or it does not continue the last one. A refusal's own reason, which may
            be that very gap, comes first.
        """
        if self._heads is None or answer.has_error():
            return
        try:
            head = unpack(_part(answer, "head"))
            if not isinstance(head, LedgerHead):
                raise PayloadError("the head of the site's ledger is another message")
            self._heads.see(site, self.identities().get(site, ""), head)
        except PayloadError:
            if not isinstance(unpack(_part(answer, "json")), Refusal):
                raise


def _part(answer: Message, name: str) -> str:
    """Return a text of an answer; PayloadError when it is not there."""
    try:
        return str(answer.content["hepafed"][name])
    except (KeyError, TypeError) as e:
        what = "has no head of the site's ledger" if name == "head" else "is not a HepaFed message"
        raise PayloadError(f"the site's answer {what}") from e


class _WaitsForPersonError(PayloadError):
    """The site answers when a person there has allowed `digest`."""

    def __init__(self, digest: str) -> None:
        super().__init__("waits for a person")
        self.digest = digest


class _LostError(PayloadError):
    """In place of the site's answer there is an error of Flower."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.words)
        self.loss = loss


def _reply(answer: Message, question: object, reply_type: type[Reply]) -> Reply:
    if answer.has_error():
        raise _LostError(loss_of(answer.error.code))
    reply = unpack(_part(answer, "json"))
    if isinstance(reply, Refusal):
        hint = f"; hint of the site: {reply.hint[:200]}" if reply.hint else ""
        raise PayloadError(f"refused: {reply.reason[:300]}{hint}")
    if isinstance(reply, Waits):
        raise _WaitsForPersonError(reply.digest[:64])
    if type(reply) is not reply_type:
        raise PayloadError("the site answered another question than the one asked")
    held = [n for n in HELD if hasattr(question, n) and hasattr(reply, n)]
    if any(getattr(question, n) != getattr(reply, n) for n in held):
        raise PayloadError(f"the site answered for another {held[0]}")
    return reply
