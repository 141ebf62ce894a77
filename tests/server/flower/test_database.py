"""A damaged database of Flower's is put away, a sound or an empty one stays."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hepafed.server.flower.database import put_away_damaged


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE node (id INTEGER, name TEXT)")
        db.executemany("INSERT INTO node VALUES (?, ?)", [(n, "x" * 200) for n in range(200)])
        db.commit()
    return path


def test_a_sound_an_empty_and_a_missing_database_stay(database: Path) -> None:
    whole = database.read_bytes()
    put_away_damaged(database)
    assert database.read_bytes() == whole
    database.write_bytes(b"")
    put_away_damaged(database)
    assert [p.name for p in database.parent.iterdir()] == ["state.db"]
    database.unlink()
    put_away_damaged(database)
    assert list(database.parent.iterdir()) == []


def test_a_damaged_database_is_put_away_and_named(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = database.read_bytes()
    half = whole[: len(whole) // 2]
    for damage in (half, b"\0" * 100 + whole[100:], b"no database"):
        database.write_bytes(damage)
        database.with_name("state.db-wal").write_bytes(b"x")
        put_away_damaged(database)
        assert [p.name for p in database.parent.iterdir()] == ["state.db.damaged"]
        assert database.with_name("state.db.damaged").read_bytes() == damage
    assert "flower/state.db is damaged" in caplog.text
