"""The file permissions.json of a site: what was allowed, what was used of it, and what waits.

The site's key signs it (ECDSA P-384 with SHA-384), so that one changed byte is found, and the
ledger holds the hash of each new version, so that an older copy is.
"""

import base64
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hepafed.client.permissions.changes import changes_of
from hepafed.client.permissions.permission import Permission, is_of
from hepafed.client.permissions.state import BookState, SignedBook
from hepafed.client.release import SHORTEST, Ledger, WitnessedFile, read_own_identity
from hepafed.common.errors import ConfigError, UsageError
from hepafed.common.json_file import JsonFile
from hepafed.common.records import write_record

KIND = "permissions"
"""The kind of a ledger entry that holds the hash of permissions.json; nothing leaves with it."""
MOST_WAITING = 100
"""Plans and models that are listed as waiting; the oldest make room."""
HINT = (
    "nothing is answered meanwhile; restore the newest copy, or move the file away and run "
    "client allow again (client ledger says what was done)"
)
_ALGORITHM = ec.ECDSA(hashes.SHA384())
_PREFIX = b"hepafed permissions 1\n"


class PermissionBook:
    """Reads and changes permissions.json, under a lock and checked."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        self._home = home
        self._path = home / "permissions.json"
        self._file = JsonFile(path=self._path, record=SignedBook, hint=HINT)
        self._witness = WitnessedFile(self._path, KIND, ledger)

    def state(self) -> BookState:
        """Return what the file holds; nothing is allowed where there never was one.

        Raises
        ------
        ConfigError
            It was changed, cut, deleted or restored from an older copy, or it is not this site's.
        """
        if not self._witness.digest() and not self._witness.head():
            return BookState()
        signed = self._file.read()
        if not self._is_signed(signed):
            raise ConfigError("permissions.json was changed after this site wrote it", HINT)
        if not self._witness.is_last(signed.state.before):
            raise ConfigError(
                "permissions.json is not the version that this site wrote last: it was restored "
                "from an older copy",
                HINT,
            )
        return signed.state

    def add(self, permission: Permission) -> None:
        """Write down what a person allows; what it may be of waits no longer.

        A file that was moved away is begun anew: the person at the site says what holds now.
        """
        with self.changing(anew=not self._path.exists()) as change:
            state = change.state
            left = tuple(w for w in state.waiting if not is_of(permission, w.digest, w.study))
            change.state = replace(
                state, permissions=(*state.permissions, permission), waiting=left
            )

    def withdraw(self, names: tuple[str, ...], now: datetime) -> tuple[str, ...]:
        """Withdraw permissions by id, by first digits of a digest, or of a study; return the ids.

        Raises
        ------
        UsageError
            One name is of no permission that stands; then nothing is changed.
        """
        at = now.isoformat(timespec="seconds")
        with self.changing() as change:
            standing = [p for p in change.state.permissions if not p.withdrawn]
            gone: list[str] = []
            for name in names:
                found = [p.id for p in standing if _names(name, p)]
                if not found:
                    raise UsageError(
                        f"no permission {name[:70]} stands, and nothing was withdrawn",
                        "client permissions lists them; what was allowed by digest or with "
                        "--everything is withdrawn by its id",
                    )
                gone += found
            change.state = replace(
                change.state,
                permissions=tuple(
                    replace(p, withdrawn=at) if p.id in gone else p
                    for p in change.state.permissions
                ),
            )
        return tuple(dict.fromkeys(gone))

    def no_longer_waiting(self, asked: Collection[tuple[str, str, str]]) -> None:
        """Drop what waits and is not among `asked`, the keys (`Waiting.key`) of what may still be.

        Raises
        ------
        ConfigError
            As `state` says.
        """
        if all(w.key in asked for w in self.state().waiting):
            return
        with self.changing() as change:
            left = tuple(w for w in change.state.waiting if w.key in asked)
            change.state = replace(change.state, waiting=left)

    @contextmanager
    def changing(self, *, anew: bool = False, run: str = "") -> Iterator["BookChange"]:
        """Give the state to be changed; it is written when the block ends without an error.

        `run`: the run whose question changes it; "" if a person does.
        """
        with self._witness.locked():
            before = BookState() if anew else self.state()
            change = BookChange(before)
            yield change
            if change.state != before or anew:
                changes = changes_of(before, change.state, run)
                if not anew and self._witness.digest() != self._witness.head():
                    changes = (*before.changes, *changes)  # a crash came before the ledger
                self._write(replace(change.state, changes=changes), run)

    def _write(self, state: BookState, run: str) -> None:
        """Replace the file, then let the ledger know its hash; a crash between is no harm."""
        state = replace(state, before=self._witness.head())
        signature = read_own_identity(self._home).sign(_signed_bytes(state), _ALGORITHM)
        self._file.write(SignedBook(state=state, signature=base64.b64encode(signature).decode()))
        self._witness.record(run, state.changes)

    def _is_signed(self, signed: SignedBook) -> bool:
        public = read_own_identity(self._home).public_key()
        try:
            signature = base64.b64decode(signed.signature, validate=True)
            public.verify(signature, _signed_bytes(signed.state), _ALGORITHM)
        except (InvalidSignature, ValueError):
            return False
        return True


def _names(name: str, permission: Permission) -> bool:
    """Tell whether a name is the id or study of a permission, or begins its digest."""
    begins = len(name) >= SHORTEST and permission.digest.startswith(name.lower())
    return begins or (bool(name) and name in (permission.id, permission.study))


class BookChange:
    """Holds the state while it is changed."""

    def __init__(self, state: BookState) -> None:
        self.state = state


def _signed_bytes(state: BookState) -> bytes:
    return _PREFIX + json.dumps(write_record(state), sort_keys=True).encode()
