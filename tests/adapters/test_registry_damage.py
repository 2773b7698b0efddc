"""verify() finds every flipped bit, every cut and every loss, and changes nothing itself."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fault_parts import fast_directory
from registry_parts import contents, noon, publish

from adapters import ProblemKind, Registry, RevisionState
from adapters.digest import digest
from adapters.errors import Damaged, UnknownFormat

SAMPLES = 500


@pytest.fixture(scope="module")
def history() -> Iterator[Path]:
    """A registry that has seen every kind of operation; tests change it and put it back, or copy it."""
    with fast_directory() as root:
        registry = Registry.open(root / "adapters", clock=noon)
        ids: list[str] = []
        for seed in (1, 2, 3, 4):
            parent = ids[-1] if seed == 3 else "r0"
            ids.append(publish(registry, seed=seed, gguf=seed % 2 == 0, parent=parent).id)
        registry.promote(ids[0], expected="r0", reason="better")
        registry.promote(ids[1], expected=ids[0], reason="better still, and written with “care”")
        registry.rollback(None, reason="worse")
        registry.reject(ids[2], "worse")
        registry.retire(ids[3], "forgotten")
        assert [] == registry.verify()
        yield registry.root


@pytest.fixture
def damaged(history: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(history, tmp_path / "adapters"))


def _damage(root: Path, *, deep: bool = True) -> list[Path]:
    problems = Registry.open(root, create=False).verify(deep=deep)
    return [problem.path for problem in problems if problem.kind is ProblemKind.DAMAGE]


def test_every_flipped_bit_and_every_cut_is_found(history: Path) -> None:
    """Random single-bit flips and truncations over all files of the registry, none missed."""
    chance = random.Random(20261101)
    files = [path for path in sorted(history.rglob("*")) if path.is_file() and path.stat().st_size]
    missed = []
    for number in range(SAMPLES):
        path = files[number % len(files)]
        data = path.read_bytes()
        if chance.random() < 0.75:
            bit = chance.randrange(len(data) * 8)
            broken = bytearray(data)
            broken[bit // 8] ^= 1 << bit % 8
            what = f"{path.name}, bit {bit}"
        else:
            length = chance.randrange(len(data))
            broken = bytearray(data[:length])
            what = f"{path.name}, cut to {length}"
        path.write_bytes(broken)
        if not _damage(history):
            missed.append(what)
        path.write_bytes(data)
    assert [] == missed
    assert [] == _damage(history)


def test_every_bit_of_head_matters(history: Path) -> None:
    """HEAD alone says who the champion is: no flipped bit is read as another state."""
    path = history / "HEAD"
    data = path.read_bytes()
    for bit in range(len(data) * 8):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        with pytest.raises((Damaged, UnknownFormat)):
            Registry.open(history, create=False).champion()
    path.write_bytes(data)


def test_every_lost_file_is_found(history: Path) -> None:
    """Deleting any one file is damage; only the lock may go, and the files of a retired revision."""
    registry = Registry.open(history, create=False)
    may_go = {history / "lock"}
    for revision in registry.revisions():
        if registry.state(revision.id) is RevisionState.RETIRED:
            may_go |= {revision.file(name) for name in revision.files}
    for path in [path for path in sorted(history.rglob("*")) if path.is_file() and path not in may_go]:
        data = path.read_bytes()
        path.unlink()
        assert _damage(history), path
        path.write_bytes(data)
        path.chmod(0o600)
    assert [] == registry.verify()


def test_a_lost_revision_is_found(damaged: Path) -> None:
    """A directory that is gone is missed for its number, its operations and its children."""
    registry = Registry.open(damaged, create=False)
    for revision in registry.revisions():
        elsewhere = damaged.parent / revision.id
        revision.path.rename(elsewhere)
        assert _damage(damaged, deep=False), revision.ref
        elsewhere.rename(revision.path)
    assert [] == _damage(damaged)


def test_a_lost_candidate_is_missed_for_its_number(registry: Registry) -> None:
    """Even a revision that no operation and no child names cannot vanish unnoticed."""
    _, second, _ = (publish(registry, seed=seed) for seed in (1, 2, 3))
    shutil.rmtree(second.path)
    (problem,) = registry.verify()
    assert (ProblemKind.DAMAGE, "r2 is missing") == (problem.kind, problem.what)


def test_a_lost_parent_is_named_with_its_child(registry: Registry) -> None:
    """Lineage must lead down to the bare base."""
    first = publish(registry, seed=1)
    publish(registry, seed=2, parent=first.id)
    shutil.rmtree(first.path)
    missing = [problem.what for problem in registry.verify() if problem.path == first.path]
    assert ["missing, though r2 was built on it"] == missing


def test_a_number_given_twice_is_damage(registry: Registry, tmp_path: Path) -> None:
    """A revision copied from another registry does not pass for one of ours."""
    publish(registry, seed=1)
    other = publish(Registry.open(tmp_path / "other"), seed=2)
    shutil.copytree(other.path, registry.root / "revisions" / other.id)
    (problem,) = registry.verify()
    assert (ProblemKind.DAMAGE, "r1 is there twice") == (problem.kind, problem.what)


def _keep_log(root: Path, folder: Path) -> Path:
    shutil.copytree(root / "operations", folder / "operations")
    shutil.copy(root / "HEAD", folder / "HEAD")
    return folder


def _put_log_back(folder: Path, root: Path) -> None:
    shutil.rmtree(root / "operations")
    shutil.copytree(folder / "operations", root / "operations")
    shutil.copy(folder / "HEAD", root / "HEAD")


def test_a_log_that_was_put_back_is_seen_as_it_is(registry: Registry, tmp_path: Path) -> None:
    """What a reader remembers counts only as long as HEAD leads back to it: empty, shorter and other logs."""
    first, second = publish(registry, seed=1), publish(registry, seed=2)
    empty = _keep_log(registry.root, tmp_path / "empty")
    registry.reject(first.id, "")
    registry.reject(second.id, "")
    other = _keep_log(registry.root, tmp_path / "other")
    _put_log_back(empty, registry.root)
    assert [] == registry.operations()
    registry.promote(first.id, expected="r0", reason="")
    shorter = _keep_log(registry.root, tmp_path / "shorter")
    registry.promote(second.id, expected=first.id, reason="")
    for folder, champion, count in (
        (other, "r0", 2),
        (shorter, first.id, 1),
        (other, "r0", 2),
        (empty, "r0", 0),
    ):
        _put_log_back(folder, registry.root)
        assert (champion, count) == (registry.champion(), len(registry.operations()))
        assert Registry.open(registry.root).operations() == registry.operations()


def _swap_weights(root: Path) -> None:
    one, two, *_ = Registry.open(root).revisions()
    shutil.copy(two.file("adapter_model.safetensors"), one.file("adapter_model.safetensors"))


def _swap_manifests(root: Path) -> None:
    one, two, *_ = Registry.open(root).revisions()
    shutil.copy(two.path / "manifest.json", one.path / "manifest.json")


def _rename_revision(root: Path) -> None:
    one, *_ = Registry.open(root).revisions()
    one.path.rename(one.path.parent / ("rev-" + "0" * 24))


def _add_a_file(root: Path) -> None:
    one, *_ = Registry.open(root).revisions()
    (one.path / "adapter_model.bin").write_bytes(b"pickle")


def _link_the_weights(root: Path) -> None:
    one, *_ = Registry.open(root).revisions()
    weights = one.file("adapter_model.safetensors")
    weights.rename(root.parent / "weights")
    weights.symlink_to(root.parent / "weights")


def _swap_operations(root: Path) -> None:
    one, two = root / "operations" / "000001.json", root / "operations" / "000002.json"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def _write_head(root: Path, last: bytes, number: int) -> None:
    (root / "HEAD").write_text(
        f'{{"digest":"{digest(last)}","format":"adapters.head/1","operation":{number}}}'
    )


def _turn_head_back(root: Path) -> None:
    _write_head(root, (root / "operations" / "000003.json").read_bytes(), 3)


def _forge_an_operation(root: Path) -> None:
    """A last operation that fits the chain but says what cannot have happened."""
    path = root / "operations" / "000005.json"
    data = path.read_bytes().replace(b'"retire"', b'"promote"')
    champion = Registry.open(root).champion().encode()
    last = Registry.open(root).operations()[-1].revision.encode()
    data = data.replace(b'"revision":"' + last, b'"revision":"' + champion)
    path.write_bytes(data)
    _write_head(root, data, 5)


def _forge_the_champion_before(root: Path) -> None:
    path = root / "operations" / "000005.json"
    champion = Registry.open(root).champion().encode()
    data = path.read_bytes().replace(champion, b"r0")
    path.write_bytes(data)
    _write_head(root, data, 5)


def _respell_head(root: Path) -> None:
    head = root / "HEAD"
    head.write_bytes(head.read_bytes().replace(b",", b", "))


BREAKS: dict[str, Callable[[Path], object]] = {
    "weights of another revision": _swap_weights,
    "manifest of another revision": _swap_manifests,
    "a renamed revision": _rename_revision,
    "a file beside the published ones": _add_a_file,
    "a link instead of a file": _link_the_weights,
    "swapped operations": _swap_operations,
    "a HEAD from two operations ago": _turn_head_back,
    "an operation that cannot have happened": _forge_an_operation,
    "an operation that found another champion": _forge_the_champion_before,
    "a HEAD in other words": _respell_head,
    "no revisions directory": lambda root: shutil.rmtree(root / "revisions"),
    "no operations directory": lambda root: shutil.rmtree(root / "operations"),
    "no staging directory": lambda root: shutil.rmtree(root / "staging"),
    "no HEAD": lambda root: (root / "HEAD").unlink(),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_no_crash_can_have_left_is_damage(damaged: Path, name: str) -> None:
    """Swaps, losses, forgeries: each is named, and verify() still looks at everything else."""
    BREAKS[name](damaged)
    before = contents(damaged)
    assert _damage(damaged)
    assert before == contents(damaged)


def test_a_registry_that_lost_its_head_is_never_started_anew(damaged: Path) -> None:
    """Opening it with create=True must not make r0 the champion of a registry with a history."""
    (damaged / "HEAD").unlink()
    registry = Registry.open(damaged, create=True)
    with pytest.raises(Damaged, match=r"HEAD: missing"):
        registry.champion()
    assert not (damaged / "HEAD").exists()


def test_a_log_without_its_beginning_is_damaged(registry: Registry) -> None:
    """A first operation that names a parent is not the first that there was."""
    operation = registry.promote(publish(registry).id, expected="r0", reason="")
    data = replace(operation, parent="sha256:" + "0" * 64).encode()
    (registry.root / "operations" / "000001.json").write_bytes(data)
    (registry.root / "HEAD").write_text(
        f'{{"digest":"{digest(data)}","format":"adapters.head/1","operation":1}}'
    )
    with pytest.raises(Damaged, match="names a parent"):
        Registry.open(registry.root).operations()
    assert _damage(registry.root)


def test_a_newer_format_is_refused_and_not_called_damaged(damaged: Path) -> None:
    """An old program on a newer registry says that it is too old."""
    head = damaged / "HEAD"
    head.write_bytes(head.read_bytes().replace(b"adapters.head/1", b"adapters.head/2"))
    with pytest.raises(UnknownFormat, match=r"written as adapters\.head/2, and this version reads"):
        Registry.open(damaged).champion()


def test_an_orphan_operation_is_a_leftover_and_replaced_by_the_next(damaged: Path) -> None:
    """What a crash between operation and HEAD left changes nothing and is gone after the next operation."""
    registry = Registry.open(damaged)
    champion = registry.champion()
    orphan = damaged / "operations" / "000006.json"
    orphan.write_bytes(b"half of an operat")
    orphan.chmod(0o600)
    (problem,) = registry.verify()
    assert (ProblemKind.LEFTOVER, orphan) == (problem.kind, problem.path)
    assert champion == registry.champion()
    registry.rollback("r0", reason="clean up")
    assert [] == registry.verify()


def test_partial_files_are_leftovers_until_the_next_operation(damaged: Path) -> None:
    """Half-written files of killed writers are named, and the next operation removes them."""
    registry = Registry.open(damaged)
    for folder in (damaged, damaged / "operations"):
        (folder / ".HEAD.0011223344556677.partial").write_bytes(b"x")
        (folder / ".HEAD.0011223344556677.partial").chmod(0o600)
    assert [ProblemKind.LEFTOVER] * 2 == [problem.kind for problem in registry.verify()]
    registry.rollback("r0", reason="clean up")
    assert [] == registry.verify()


def test_files_that_others_may_read_are_named(damaged: Path) -> None:
    """A permission that someone opened up is a problem of its own kind."""
    path = Registry.open(damaged).revisions()[0].file("adapter_model.safetensors")
    path.chmod(0o644)
    (problem,) = Registry.open(damaged).verify()
    assert (ProblemKind.EXPOSED, path) == (problem.kind, problem.path)
    assert str(path) in str(problem)


def test_a_shallow_look_skips_only_the_hashes(damaged: Path) -> None:
    """deep=False sees sizes, names and the whole log; a flipped bit in the weights takes deep=True."""
    path = Registry.open(damaged).revisions()[0].file("adapter_model.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert [] == _damage(damaged, deep=False)
    assert [path] == _damage(damaged)
    path.write_bytes(data[:-1])
    assert [path] == _damage(damaged, deep=False)
