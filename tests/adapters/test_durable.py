"""Durable writes: whole or undone, private, and synced in the order that a power cut demands."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from fault_parts import at_hit, failing

from adapters.durable import (
    is_partial,
    make_directory,
    make_new_directory,
    publish_directory,
    remove_directory,
    remove_file,
    sweep,
    write_file,
)
from adapters.errors import NameTaken, NotPublishable, WriteFailed
from adapters.failpoint import armed


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is synced and renamed, in order, by the name it has at that moment."""
    steps: list[tuple[str, str]] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def traced_fsync(descriptor: int) -> None:
        steps.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name))
        fsync(descriptor)

    def traced_rename(source: Path, target: Path) -> None:
        steps.append(("rename", Path(target).name))
        rename(source, target)

    def traced_replace(source: Path, target: Path) -> None:
        steps.append(("rename", Path(target).name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(os, "rename", traced_rename)
    monkeypatch.setattr(os, "replace", traced_replace)
    return steps


def test_a_file_is_synced_before_its_name_appears_and_the_directory_after(
    tmp_path: Path, trace: list[tuple[str, str]]
) -> None:
    """Without the first sync a power cut leaves an empty file; without the second, none."""
    folder = tmp_path / "folder"
    folder.mkdir()
    write_file(folder / "file", b"data")
    (what, temporary), *rest = trace
    assert "sync" == what
    assert is_partial(temporary)
    assert [("rename", "file"), ("sync", "folder")] == rest


def test_a_directory_is_synced_whole_before_its_name_appears(
    tmp_path: Path, trace: list[tuple[str, str]]
) -> None:
    """Files first, then the directories above them, then the rename, then both parents."""
    staged = tmp_path / "from" / "staged"
    (staged / "inner").mkdir(parents=True)
    (staged / "a").write_bytes(b"a")
    (staged / "inner" / "b").write_bytes(b"b")
    (tmp_path / "to").mkdir()
    publish_directory(staged, tmp_path / "to" / "final")
    before = trace[: trace.index(("rename", "final"))]
    assert {("sync", "a"), ("sync", "b")} == set(before[:2])
    assert [("sync", "inner"), ("sync", "staged")] == before[2:]
    assert [("sync", "to"), ("sync", "from")] == trace[len(before) + 1 :]


def test_new_directories_are_synced_into_their_parents(tmp_path: Path, trace: list[tuple[str, str]]) -> None:
    """A directory that nobody synced into its parent can vanish with all that is in it."""
    make_directory(tmp_path / "a" / "b")
    assert [("sync", "a"), ("sync", tmp_path.name), ("sync", "b"), ("sync", "a")] == trace


@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_what_is_written_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Files are 0600 and directories 0700, or what the caller asks for."""
    before = os.umask(umask)
    try:
        make_directory(tmp_path / "a" / "b")
        write_file(tmp_path / "a" / "file", b"")
        write_file(tmp_path / "a" / "script", b"", mode=0o700)
    finally:
        os.umask(before)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", *(tmp_path / "a").iterdir())
    }
    assert {"a": 0o700, "b": 0o700, "file": 0o600, "script": 0o700} == modes


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, number: int, old: bytes | None) -> None:
    """At each of its five steps: the old content, or no file, and nothing half written beside it."""
    path = tmp_path / "file"
    if old is not None:
        write_file(path, old, mode=0o640)
    with armed(at_hit(number, failing(errno.EIO))), pytest.raises(WriteFailed, match="nothing changed"):
        write_file(path, b"new")
    assert ([] if old is None else [path]) == list(tmp_path.iterdir())
    if old is not None:
        assert (old, 0o640) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))


def test_a_write_that_can_be_neither_finished_nor_undone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When even the way back fails, the error does not claim that nothing changed."""
    path = tmp_path / "file"
    write_file(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("adapters.durable._sync_directory", fail)
    monkeypatch.setattr("adapters.durable._put_back", fail)
    with pytest.raises(WriteFailed, match="could not be taken back"):
        write_file(path, b"new")


def test_a_full_disk_is_told_from_a_broken_one(tmp_path: Path) -> None:
    """The error says what to do, and carries the number that the system gave."""
    for error, advice in ((errno.ENOSPC, "free some space"), (errno.EIO, "check the disk")):
        with armed(at_hit(2, failing(error))), pytest.raises(WriteFailed, match=advice) as caught:
            write_file(tmp_path / "file", b"")
        assert error == caught.value.errno


def test_a_write_needs_its_directory(tmp_path: Path) -> None:
    """A path that cannot be written is an error with that path in it."""
    with pytest.raises(WriteFailed, match="missing/file"):
        write_file(tmp_path / "missing" / "file", b"")


def test_writers_of_one_path_never_mix(tmp_path: Path) -> None:
    """Eight threads write the same path; each reading is whole, and one of them stays."""
    path = tmp_path / "file"
    contents = {bytes([65 + n]) * 100_000 for n in range(8)}
    seen: set[bytes] = set()
    write_file(path, max(contents))

    def write(data: bytes) -> None:
        for _ in range(5):
            write_file(path, data)
            seen.add(path.read_bytes())

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= contents
    assert [path] == list(tmp_path.iterdir())


def _staged(tmp_path: Path) -> Path:
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "file").write_bytes(b"data")
    return staged


def test_a_published_directory_never_replaces_anything(tmp_path: Path) -> None:
    """Not a full directory, not an empty one (which a rename would replace), not a dangling link."""
    staged = _staged(tmp_path)
    for prepare in (lambda p: p.mkdir(), lambda p: p.write_bytes(b""), lambda p: p.symlink_to("nowhere")):
        target = tmp_path / "target"
        prepare(target)
        with pytest.raises(NameTaken):
            publish_directory(staged, target)
        assert (staged / "file").exists()
        target.rmdir() if target.is_dir() else target.unlink()


def test_a_directory_with_links_or_pipes_is_not_published(tmp_path: Path) -> None:
    """What a link points at can change later, and a pipe holds nothing."""
    staged = _staged(tmp_path)
    for prepare in (lambda p: p.symlink_to(staged / "file"), os.mkfifo):
        odd = staged / "odd"
        prepare(odd)
        with pytest.raises(NotPublishable, match="odd"):
            publish_directory(staged, tmp_path / "target")
        odd.unlink()
    assert not (tmp_path / "target").exists()


def test_publishing_into_nowhere_fails_and_keeps_what_was_staged(tmp_path: Path) -> None:
    """A missing parent is an error; the staged directory stays."""
    staged = _staged(tmp_path)
    with pytest.raises(WriteFailed):
        publish_directory(staged, tmp_path / "missing" / "target")
    assert (staged / "file").exists()


def test_a_directory_that_must_be_new_is_given_to_one_caller(tmp_path: Path) -> None:
    """Of eight threads that want the same fresh directory, seven are told that it is taken."""
    results: list[bool] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        try:
            make_new_directory(tmp_path / "name")
        except NameTaken:
            results.append(False)
        else:
            results.append(True)

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [False] * 7 + [True] == sorted(results)


def test_a_file_where_a_directory_should_be_is_an_error(tmp_path: Path) -> None:
    """And the file keeps its mode."""
    path = tmp_path / "file"
    write_file(path, b"", mode=0o640)
    for wanted in (path, path / "below"):
        with pytest.raises((WriteFailed, NameTaken)):
            make_directory(wanted)
    assert 0o640 == stat.S_IMODE(path.stat().st_mode)


def test_sweep_removes_only_what_killed_writers_left(tmp_path: Path) -> None:
    """Partial files go; everything else stays, hidden files too."""
    for name in (".HEAD.0123456789abcdef.partial", "HEAD", ".hidden", "plain.partial"):
        (tmp_path / name).write_bytes(b"")
    sweep(tmp_path)
    assert {"HEAD", ".hidden", "plain.partial"} == {path.name for path in tmp_path.iterdir()}


def test_removing_what_is_not_there_is_fine(tmp_path: Path) -> None:
    """Both removals can be repeated."""
    remove_file(tmp_path / "nothing")
    remove_directory(tmp_path / "nothing")
    write_file(tmp_path / "file", b"")
    remove_file(tmp_path / "file")
    remove_directory(_staged(tmp_path))
    assert [] == list(tmp_path.iterdir())
