"""Migrations: from every older schema to this one, whole or not at all."""

from __future__ import annotations

import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from store_facts import interaction, user

import store.migrations as migrations_module
from store import Store
from store.identity import message_id
from store.light_import import sqlite_utils
from store.migrations import APPLICATION_ID, NAMES, fresh_schema, migrations


def older(path: Path, *, stop_before: str | None) -> sqlite_utils.Database:
    """A database as the code wrote it when it had only the steps before `stop_before`."""
    path.parent.mkdir(exist_ok=True)
    tables = sqlite_utils.Database(sqlite3.connect(path, isolation_level=None), execute_plugins=False)
    tables.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrations.apply(tables, stop_before=stop_before)
    return tables


@pytest.mark.parametrize("name", NAMES)
def test_every_older_schema_is_brought_up(path: Path, name: str) -> None:
    """Opening adds the steps that are missing, and the result is that of a new store."""
    older(path, stop_before=name).close()
    with Store.open(path) as store:
        assert store.interactions.add(interaction())
        assert [] == store.verify()


def test_facts_of_the_first_schema_survive(path: Path) -> None:
    """What was written under the first step is there after all the others, and can be searched."""
    tables = older(path, stop_before=NAMES[1])
    question = message_id(None, user("Hello"))
    tables.execute(
        "INSERT INTO messages (id, parent, role, origin, content, tool_calls)"
        f" VALUES ('{question}', NULL, 'user', 'user', 'Hello', '[]')"
    )
    tables.execute(f"INSERT INTO said (conversation, message) VALUES ('c-1', '{question}')")
    tables.close()
    with Store.open(path) as store:
        store.interactions.add(interaction("Hello"))
        assert [interaction("Hello")] == list(store.interactions.all())
        assert ["Hello"] == [hit.excerpt for hit in store.interactions.search("hello")]
        assert [] == store.verify()


def test_opening_again_applies_nothing(path: Path) -> None:
    """Each step is recorded once, in order."""
    for _ in range(2):
        with Store.open(path) as store:
            applied = [step.name for step in migrations.applied(store.database.tables)]
    assert list(NAMES) == applied


def test_failed_upgrade_leaves_the_old_schema(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps run in one transaction: the facts stand, and the next opening tries again."""

    def fails(tables: sqlite_utils.Database) -> None:
        tables.execute("CREATE TABLE half (id TEXT)")
        raise ZeroDivisionError

    with Store.open(path) as store:
        store.interactions.add(interaction())
    step = migrations._Migration("fails", fails)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", [*migrations._migrations, step])
        patch.setattr(migrations_module, "NAMES", (*NAMES, "fails"))
        with pytest.raises(ZeroDivisionError):
            Store.open(path)
    with Store.open(path) as store:
        assert [interaction()] == list(store.interactions.all())
        assert [] == store.verify()


def test_failed_creation_leaves_no_half_schema(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that could not be made whole is made at the next opening."""

    def fails(tables: sqlite_utils.Database) -> None:
        raise ZeroDivisionError

    last = migrations._Migration(NAMES[-1], fails)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_migrations", [*migrations._migrations[:-1], last])
        with pytest.raises(ZeroDivisionError):
            Store.open(path)
    with Store.open(path) as store:
        assert [] == store.verify()


def test_released_steps_are_never_edited() -> None:
    """The schema that stores out there have: a change of it is a step of its own, and a new line here."""
    released = {"pins": "69ef5860b539a747"}
    sql = "\n".join(f"{name}: {text}" for name, text in sorted(fresh_schema().items()) if text)
    assert {NAMES[-1]: sha256(sql.encode()).hexdigest()[:16]} == released
