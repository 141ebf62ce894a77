"""Flower's own database, flower/state.db: a damaged one is put away, and Flower begins anew.

What counts is in our own files: members are registered again, a run is attempted again.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger("hepafed.server")


def put_away_damaged(path: Path) -> None:
    """Rename a database that SQLite finds damaged, and what belongs to it, and say so in the log.

    An empty file is a database without tables: Flower fills it.
    """
    if not path.exists() or _is_sound(path):
        return
    kept = path.with_name(f"{path.name}.damaged")
    path.replace(kept)
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    log.error(
        "flower/%s is damaged: put away as flower/%s. Sites are registered again from "
        "members.json, and a run under way is attempted again",
        path.name,
        kept.name,
    )


def _is_sound(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.Error:
        return False
