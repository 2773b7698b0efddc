"""Opening a store: what is created, what is refused, and how the connection is set."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from store_facts import damage, interaction

import store.database as database_module
from store import Store
from store.database import Database, journal_mode
from store.errors import NotAStore, SchemaTooNew, StoreBusy, StoreClosed, StoreMissing, StoreUnusable
from store.light_import import _Absent


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_files_belong_to_their_owner_alone(path: Path, umask: int) -> None:
    """The file, its folder and its journal are private whatever the umask."""
    before = os.umask(umask)
    try:
        with Store.open(path) as store, store.transaction():
            store.interactions.add(interaction())
            beside = [each for each in path.parent.iterdir() if each != path]
            assert {0o600} == {mode(each) for each in [path, *beside]}
            assert beside  # a journal or a log is there while a transaction is open
        assert (0o600, 0o700) == (mode(path), mode(path.parent))
    finally:
        os.umask(before)


def test_loose_file_is_closed_to_others(path: Path) -> None:
    """A store that came with a loose mode, from a backup say, is tightened when it is opened."""
    Store.open(path).close()
    path.chmod(0o644)
    Store.open(path).close()
    assert 0o600 == mode(path)


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    """Closing and opening again changes nothing."""
    with Store.open(path) as store:
        store.interactions.add(interaction())
    with Store.open(path, create=False) as store:
        assert [interaction()] == list(store.interactions.all())


def test_missing_store_is_not_created_unasked(path: Path) -> None:
    """create=False names what is missing and leaves nothing behind."""
    with pytest.raises(StoreMissing, match=str(path)):
        Store.open(path, create=False)
    assert not path.parent.exists()


def test_folder_of_a_folder_is_not_made_up(tmp_path: Path) -> None:
    """Only the store's own folder is created: a path that is wrong further up is an error."""
    with pytest.raises(StoreUnusable):
        Store.open(tmp_path / "no" / "where" / "store.db")
    assert [] == list(tmp_path.iterdir())


def test_folder_is_no_store(tmp_path: Path) -> None:
    """A folder in the file's place is named as what it is."""
    with pytest.raises(NotAStore, match="no file"):
        Store.open(tmp_path)


def test_other_file_is_left_alone(path: Path) -> None:
    """A file that SQLite did not write is refused and not touched."""
    path.parent.mkdir()
    path.write_text("a shopping list, long enough to be taken for a header\n" * 50)
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="no SQLite file"):
        Store.open(path)
    assert before == path.read_bytes()


def test_other_database_is_left_alone(path: Path) -> None:
    """The database of another program is refused and not touched."""
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotAStore, match="another program"):
        Store.open(path)
    assert before == path.read_bytes()


def test_empty_file_is_no_store_unless_one_is_wanted(path: Path) -> None:
    """A file that lost its content is not silently taken for a store with nothing in it."""
    path.parent.mkdir()
    path.touch()
    with pytest.raises(NotAStore, match="empty"):
        Store.open(path, create=False)
    with Store.open(path) as store:
        assert 0 == store.interactions.count()


def test_newer_schema_is_refused(path: Path) -> None:
    """A store with a migration that this code does not know is refused by name, and not touched."""
    Store.open(path).close()
    damage(
        path,
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('store', 'holograms', '')",
    )
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match="holograms"):
        Store.open(path)
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 40, 1), "delete"),
        ((3, 44, 5), "delete"),
        ((3, 44, 6), "wal"),
        ((3, 45, 0), "delete"),
        ((3, 50, 6), "delete"),
        ((3, 50, 7), "wal"),
        ((3, 51, 0), "delete"),
        ((3, 51, 2), "delete"),
        ((3, 51, 3), "wal"),
        ((4, 0, 0), "wal"),
    ],
)
def test_write_ahead_log_only_where_it_is_safe(version: tuple[int, ...], expected: str) -> None:
    """Versions with the WAL-reset defect get the rollback journal."""
    assert expected == journal_mode(version)


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_every_connection_is_set_for_safety(
    path: Path, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full sync, foreign keys, overwriting deletion: on a new store and on one that was there."""
    monkeypatch.setattr(database_module, "journal_mode", lambda version: journal)
    for _ in range(2):
        with Store.open(path) as store:
            found = {
                pragma: store.database.value(f"PRAGMA {pragma}")
                for pragma in ["synchronous", "foreign_keys", "secure_delete", "temp_store", "mmap_size"]
            }
            assert {
                "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "temp_store": 2, "mmap_size": 0,
            } == found  # fmt: skip
            assert journal == store.database.value("PRAGMA journal_mode")
            store.interactions.add(interaction())
            assert [] == store.verify()


def test_store_moves_to_the_journal_that_is_safe_here(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that another machine wrote with a log loses it where logs are not safe, and no fact with it."""
    with monkeypatch.context() as patch:
        patch.setattr(database_module, "journal_mode", lambda version: "wal")
        with Store.open(path) as store:
            store.interactions.add(interaction())
    monkeypatch.setattr(database_module, "journal_mode", lambda version: "delete")
    with Store.open(path) as store:
        assert "delete" == store.database.value("PRAGMA journal_mode")
        assert [interaction()] == list(store.interactions.all())


def test_closed_store_says_so(path: Path) -> None:
    """Closing twice is fine; using a closed store is one clear error."""
    with Store.open(path) as store:
        pass
    store.close()
    with pytest.raises(StoreClosed):
        store.interactions.count()
    with pytest.raises(StoreClosed):
        store.interactions.add(interaction())


def test_locked_store_says_so(path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that waits too long for another one is told so, and wrote nothing."""
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    with Store.open(path) as second:
        with store.transaction():
            store.interactions.add(interaction())
            with pytest.raises(StoreBusy, match="stayed locked"):
                second.interactions.add(interaction("me too"))
        assert 1 == second.interactions.count()


def test_unwritable_file_says_so(path: Path) -> None:
    """What the machine refuses is translated into one clear error with the path in it."""
    with Store.open(path) as store:
        store.database.execute("PRAGMA query_only = 1")
        with pytest.raises(StoreUnusable, match=str(path)):
            store.interactions.add(interaction())


def test_what_becomes_a_store_while_it_is_looked_at_is_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process makes it between two looks at the file: then it is no other program's."""
    look = Database.value
    made: list[bool] = []

    def value(database: Database, sql: str, *more: object) -> object:
        found = look(database, sql, *more)  # type: ignore[arg-type]
        if not made:
            made.append(True)
            Store.open(path).close()
        return found

    monkeypatch.setattr(Database, "value", value)
    with Store.open(path) as store:
        assert 0 == store.interactions.count()
    assert [True] == made


def test_two_who_create_at_once_share_one_store(path: Path) -> None:
    """Whoever comes second finds the schema that the first one made."""
    path.parent.mkdir()
    children = []
    for number in range(8):
        child = os.fork()
        if not child:
            code = 1
            try:
                with Store.open(path) as store:
                    store.interactions.add(interaction(f"from {number}"))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [0] * 8 == [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    with Store.open(path) as store:
        assert 8 == store.interactions.count()
        assert [] == store.verify()


def test_importing_and_opening_load_nothing_heavy(path: Path) -> None:
    """The records come without sqlite-utils; opening loads it, and neither pandas nor numpy with it."""
    script = f"""
import sys
from pathlib import Path
import store
heavy = ["sqlite_utils", "pandas", "numpy", "torch", "pydantic"]
print(*[name for name in heavy if name in sys.modules])
store.Store.open(Path({str(path)!r})).close()
print(*[name for name in heavy if name in sys.modules])
import numpy
print(numpy.__name__)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ["", "sqlite_utils", "numpy"] == run.stdout.splitlines()


def test_other_threads_import_what_they_like() -> None:
    """While one thread leaves pandas out, another one still finds it."""
    finder = _Absent()
    with pytest.raises(ModuleNotFoundError):
        finder.find_spec("pandas")
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(finder.find_spec("pandas")))
    thread.start()
    thread.join()
    assert [None] == found
