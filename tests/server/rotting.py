"""A coordinator's home made by the real code, each way to damage a file, and a start over it."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from hepafed.common.certificates import make_server_certificate
from hepafed.common.contract.config import ServerConfig, write_toml
from hepafed.common.contract.plan import Plan, RoundsPlan
from hepafed.common.errors import HepaFedError
from hepafed.common.network import to_bf16
from hepafed.common.network.weight_files import save_safetensors
from hepafed.common.records import write_record
from hepafed.server.members import LedgerHeads, Members
from hepafed.server.runs.live_run import LiveRun
from hepafed.server.runs.stores import Stores
from hepafed.server.setup import keep_valid
from hepafed.server.state import look_over
from hepafed.server.training import checkpoints, train
from hepafed.server.training.rounds import conduct_round, keep_round

from .federation import Federation
from .training.answering import LAYOUT, Answering, training

SITES = {"a": 40, "b": 7, "c": 19}

ADDRESS = "fl.example.org:8443"


def _replaced(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        content = change(path.read_bytes())
        path.unlink()  # copies are links
        path.write_bytes(content)

    return damage


def _flipped(content: bytes) -> bytes:
    """Change one bit, at a place that depends on the content."""
    at = int.from_bytes(hashlib.sha256(content).digest()[:8], "big") % max(len(content), 1)
    return content[:at] + bytes(b ^ 4 for b in content[at : at + 1]) + content[at + 1 :]


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _read_only(path: Path) -> None:
    _replaced(lambda content: content)(path)
    path.chmod(0o400)


DAMAGES: Mapping[str, Callable[[Path], None]] = {
    "emptied": _replaced(lambda _content: b""),
    "halved": _replaced(lambda content: content[: len(content) // 2]),
    "one bit": _replaced(_flipped),
    "missing": Path.unlink,
    "read-only": _read_only,
    "unreadable": _folder_instead,
}
"""`unreadable`: a folder of that name, which no account can read as a file."""


def make_home(folder: Path) -> Path:
    """Make homes of a coordinator and three sites: a validation, a trained model, a run under way,
    one that waits, members and invites.
    """
    fed = Federation(folder)
    home = folder / "server"
    make_server_certificate(
        home / "keys", ["fl.example.org", "localhost", "127.0.0.1"], datetime.now(UTC)
    )
    write_toml(ServerConfig(address=ADDRESS), home / "server.toml")
    members = Members(home)
    token = members.grant("coordinator", "coordinator")[0]
    assert token
    for site in SITES:
        fed.site(site)
        members.enrol(
            _invited(members, site), fed.identities[site], "0" * 64, "7", datetime.now(UTC)
        )
    report = fed.run()
    fed.stores.runs.change(report["run"], status="completed")
    _trained(home, "done")
    _trained(home, "under-way", until=2)
    training(home, _answering(), rounds=1)
    return home


def _invited(members: Members, site: str) -> Any:  # noqa: ANN401
    members.invite(site, "train", 48, datetime.now(UTC))
    return members.sites()[site]


def _answering() -> Answering:
    return Answering(SITES)


def _trained(home: Path, name: str, until: int = 0) -> None:
    """Make a training of three rounds, whole or killed after `until` rounds."""
    sites = _answering()
    sites.stores = stores = Stores(home)
    plan = Plan(name=name, protocol="t2", rounds=RoundsPlan(count=3, quorum=1, deadline=5))
    live = LiveRun(stores.runs.create("train", plan), stores, sites)  # type: ignore[arg-type]
    start = np.full(LAYOUT.size, 0.25, np.float32)
    save_safetensors(live.folder / "initial.safetensors", LAYOUT, start)
    if not until:
        live.change(model=train(live), status="completed")
        return
    state = checkpoints.from_initial(live.folder / "initial.safetensors")
    for _ in range(until):
        digest = stores.blobs.publish(to_bf16(p) for p in checkpoints.parts(state))
        weights = conduct_round(live, state, digest)
        assert weights is not None
        keep_round(stores.blobs, live.folder, state, weights)
        live.change(round=state.round, status="running")


@dataclass
class Outcome:
    """What became of a start: its facts by the file or folder they stand on, and its words."""

    facts: dict[str, object] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def tried(self, what: str, call: Callable[[], object]) -> None:
        try:
            self.facts[what] = call()
        except HepaFedError as e:
            self.facts[what] = "refused"
            self.words.append(f"{e.message} | {e.hint}")


def started(home: Path) -> Outcome:
    """Open a home as `server start` and the commands do, and let every unfinished run end."""
    made = Outcome()
    made.tried("", lambda: made.words.extend(f"{d.found} | {d.hint}" for d in look_over(home)))
    if made.facts[""] == "refused":
        return made
    made.tried(
        "keys",
        lambda: made.words.extend(f"{w} | done" for w in keep_valid(home, datetime.now(UTC))),
    )
    stores, members, heads = Stores(home), Members(home), LedgerHeads(home)
    stores.blobs.clear()
    made.tried("members.json", lambda: [write_record(s) for s in members.sites().values()])
    for site in SITES:
        made.tried(f"ledgers/{site}.jsonl", lambda s=site: _head(heads, members, s))
    made.tried("runs", lambda: sorted(r.id for r in stores.runs.all()))
    for folder in sorted((home / "runs").iterdir()):
        made.tried(f"runs/{folder.name}", lambda f=folder: _went_on(stores, f.name, made))
    made.tried("models", lambda: sorted(c.id for c in stores.registry.all()))
    for folder in sorted((home / "models").iterdir()):
        made.tried(f"models/{folder.name}", lambda f=folder: _exported(stores, f.name))
    return made


def _head(heads: LedgerHeads, members: Members, site: str) -> object:
    found = heads.receipt(site, members.sites()[site].public_key)
    return None if found is None else (found.entry, found.chain)


def _went_on(stores: Stores, run: str, made: Outcome) -> object:
    known = stores.runs.get(run)
    sites = _answering()
    sites.stores = stores
    if known.kind == "train" and known.status in ("queued", "running"):
        model = train(LiveRun(known, stores, sites))  # type: ignore[arg-type]
        stores.runs.change(run, status="completed", model=model)
    known = stores.runs.get(run)
    said = [e for e in stores.runs.events(run) if e["event"] in ("damaged", "missing")]
    made.words += [f"{e} | {run}" for e in said]
    if known.kind != "validate":
        return known.status, known.model
    return known.status, known.model, stores.report(run)


def _exported(stores: Stores, model: str) -> object:
    card = stores.registry.card(model)
    wire = hashlib.sha256(stores.registry.wire(model)).hexdigest()
    path = stores.registry.weights(model)
    return card.sha256, wire, hashlib.sha256(path.read_bytes()).hexdigest()


def files_of(home: Path) -> Iterator[str]:
    """Give every file below a home, relative to it."""
    yield from sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())


def copied(home: Path, to: Path) -> Path:
    """Copy a home; its files are links to those of the first, which nobody changes in place."""

    def linked(source: str, target: str) -> None:
        if source.endswith(".jsonl"):  # written to in place
            shutil.copy(source, target)
        else:
            os.link(source, target)

    return Path(shutil.copytree(home, to, copy_function=linked))
