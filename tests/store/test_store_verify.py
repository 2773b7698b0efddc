"""verify() finds each kind of damage, and nothing in a store that is intact."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest
from store_facts import damage, scratch_store
from store_night import one_night

from store import Store
from store.errors import StoreError


def test_intact_store_has_no_problem(store: Store) -> None:
    """Neither empty nor with one of everything."""
    assert [] == store.verify()
    one_night(store)
    assert [] == store.verify()


@cache
def a_night() -> bytes:
    with scratch_store() as store:
        one_night(store)
        return store.path.read_bytes()


def lay_a_night(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(a_night())


def complaint(path: Path) -> str:
    """What is said about a file: by opening it, or by verify(); empty when nothing is."""
    try:
        with Store.open(path) as store:
            return " ".join(map(str, store.verify()))
    except StoreError as error:
        return str(error)


DAMAGE = [
    ("messages", "UPDATE messages SET content = 'Something else.' WHERE content = 'xyzzy is long.'"),
    ("messages", "UPDATE messages SET origin = 'tool' WHERE content = 'What is xyzzy?'"),
    ("messages", "UPDATE messages SET tool_calls = '[{}]' WHERE content = 'And now?'"),
    ("messages", "UPDATE messages SET tool_calls = '{' WHERE content = 'And now?'"),
    ("messages", "UPDATE messages SET parent = NULL WHERE content = 'Again xyzzy.'"),
    ("tools", "UPDATE tool_sets SET tools = '[]'"),
    ("interactions", "UPDATE interactions SET revision = 'rev-9'"),
    ("interactions", "UPDATE interactions SET at = 'yesterday'"),
    ("interactions", "UPDATE interactions SET conversation = 'c-9'"),
    ("conversations", "DELETE FROM said WHERE message IN (SELECT completion FROM interactions)"),
    ("conversations", "DELETE FROM said WHERE message IN (SELECT id FROM messages WHERE role = 'user')"),
    ("references", "DELETE FROM messages WHERE content = 'What is xyzzy?'"),
    ("references", "DELETE FROM tool_sets"),
    ("references", "DELETE FROM feedback WHERE kind = 'edit'"),
    ("references", "DELETE FROM runs"),
    ("references", "DELETE FROM examples"),
    ("references", "UPDATE ledger_events SET successor = 'p-none'"),
    ("search", "DELETE FROM messages_fts_docsize"),
    ("search", "DELETE FROM messages_fts_data WHERE id > 10"),
    ("search", "INSERT INTO messages_fts(messages_fts) VALUES ('delete-all')"),
    ("search", "DROP TRIGGER messages_ad; DELETE FROM messages WHERE content = 'Again xyzzy.'"),
    ("feedback", "UPDATE feedback SET kind = 'correction' WHERE kind = 'edit'"),
    ("feedback", "UPDATE feedback SET content = 'Something else.'"),
    ("feedback", "UPDATE feedback SET at = '2026-11-01T21:05:00.000000Z'"),
    ("signals", "UPDATE signals SET quote = 'what nobody said'"),
    ("signals", "UPDATE signals SET polarity = -1"),
    ("signals", "UPDATE signals SET confidence = 0.5"),
    ("ledger", "DELETE FROM ledger_events"),
    ("ledger", "UPDATE preferences SET attribute = 'length'"),
    ("examples", "UPDATE examples SET body = replace(body, 'xyzzy', 'plugh')"),
    ("examples", "UPDATE examples SET body = 'no JSON' WHERE conversation = 'c-plain'"),
    ("examples", "UPDATE examples SET conversation = 'c-plain'"),
    ("lineage", "DELETE FROM signals"),
    ("lineage", "DELETE FROM preferences"),
    ("lineage", "DELETE FROM snapshots"),
    ("snapshots", "DELETE FROM snapshot_examples WHERE split = 'train'"),
    ("snapshots", "UPDATE snapshots SET preferences = '[]'"),
    ("snapshots", "UPDATE snapshots SET preferences = replace(preferences, 'xyzzy', 'plugh')"),
    ("held-out", "UPDATE splits SET split = 'held_out' WHERE conversation = 'c-secret'"),
    ("held-out", "UPDATE splits SET split = 'train' WHERE conversation = 'c-plain'"),
    ("held-out", "DELETE FROM splits"),
    ("runs", "DELETE FROM run_ends; INSERT INTO runs (id, started_at) VALUES ('n-2', '2026-11-02')"),
    ("schema", "DROP TRIGGER messages_ai"),
    ("schema", "DROP INDEX said_by_message"),
    ("schema", "CREATE TABLE bookmarks (url TEXT)"),
    ("schema", "ALTER TABLE signals ADD COLUMN mood TEXT"),
]


@pytest.mark.parametrize(("check", "statements"), DAMAGE)
def test_damage_is_found(path: Path, check: str, statements: str) -> None:
    """Each injected damage is reported by the check that it belongs to, with a place and a reason."""
    lay_a_night(path)
    damage(path, *statements.split("; "))
    with Store.open(path) as store:
        problems = store.verify()
        assert check in {problem.check for problem in problems}
        assert all(problem.where and problem.what and str(problem) for problem in problems)


def test_lost_protection_is_found(path: Path) -> None:
    """Without its trigger a table could be rewritten unseen."""
    lay_a_night(path)
    with Store.open(path) as store:
        store.database.execute("DROP TRIGGER preferences_unchanged")
        assert [("schema", "preferences_unchanged")] == [(each.check, each.where) for each in store.verify()]


def test_damaged_snapshot_cannot_hide_a_leak(path: Path) -> None:
    """A train example moved into a held-out conversation is found by its name and by its place."""
    lay_a_night(path)
    damage(path, "UPDATE snapshot_examples SET split = 'train', place = 7 WHERE split = 'held_out'")
    with Store.open(path) as store:
        assert {"snapshots", "held-out"} <= {problem.check for problem in store.verify()}


@pytest.mark.parametrize("seed", range(12))
def test_torn_pages_are_found(path: Path, seed: int) -> None:
    """A page of noise anywhere is a clear error when opening, or a problem; never a crash or silence."""
    lay_a_night(path)
    chance = random.Random(seed)
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    used = [page for page in range(pages) if any(content[page * 4096 : page * 4096 + 4096])]
    page = chance.choice(used)
    content[page * 4096 : page * 4096 + 4096] = chance.randbytes(4096)
    path.write_bytes(content)
    assert complaint(path)


def test_truncated_file_is_found(path: Path) -> None:
    """Half a file is a clear error when opening, or a problem."""
    lay_a_night(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert complaint(path)
