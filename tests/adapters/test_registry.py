"""What a registry promises to those who publish, promote and look things up."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from registry_parts import BASE, NOON, build, contents, fill, publish

from adapters import BARE, ProblemKind, Registry, RevisionState, build_key
from adapters.errors import (
    AmbiguousRevision,
    BadName,
    ChampionMoved,
    Damaged,
    NameTaken,
    NoSuchFile,
    NotAllowed,
    NotARegistry,
    NotPublishable,
    UnknownRevision,
)


def test_a_new_registry_knows_only_the_bare_base(registry: Registry) -> None:
    """Before the first night r0 is the champion and there is nothing to go back to."""
    assert [] == registry.revisions()
    assert "r0" == registry.champion()
    assert registry.previous() is None
    assert BARE == registry.resolve("champion")
    assert {"r0": RevisionState.CHAMPION} == registry.states()
    assert [] == registry.verify()


def test_open_makes_nothing_unless_asked_to(tmp_path: Path) -> None:
    """A reader that expects a registry is told that there is none, and leaves no trace."""
    with pytest.raises(NotARegistry, match="no adapter registry here"):
        Registry.open(tmp_path / "adapters", create=False)
    assert [] == list(tmp_path.iterdir())


def test_opening_again_finds_everything(registry: Registry) -> None:
    """A registry is its directory: a second opening sees the same revisions and the same champion."""
    revision = publish(registry, gguf=True)
    registry.promote(revision.id, expected="r0", reason="better")
    again = Registry.open(registry.root, create=False)
    assert [revision] == again.revisions()
    assert revision.id == again.champion()
    assert registry.operations() == again.operations()


def test_a_published_revision_says_what_it_was_built_from(registry: Registry) -> None:
    """Every input of the build and every file can be read back, and the id is the directory's name."""
    inputs = build(snapshot="d-9", recipe={"rank": 4, "betas": (0.9, 0.999)}, versions={"torch": "2.10"})
    revision = registry.publish(fill(registry.stage("n"), gguf=True), inputs)
    assert ("r1", 1) == (revision.ref, revision.number)
    assert ("me", "r0", BASE, "d-9", 1) == (
        revision.identity, revision.parent, revision.base, revision.snapshot, revision.seed,
    )  # fmt: skip
    assert {"rank": 4, "betas": [0.9, 0.999]} == revision.recipe
    assert {"torch": "2.10"} == revision.versions
    assert inputs.created_at == revision.created_at
    assert revision.id == revision.path.name
    assert {"adapter_config.json", "adapter_model.safetensors", "adapter.gguf"} == set(revision.files)
    assert revision == registry.check(revision.id)


def test_publishing_takes_the_staged_directory_away(registry: Registry) -> None:
    """Nothing stays in staging, so a clean registry after a night is an empty list of problems."""
    staged = fill(registry.stage("night"))
    revision = registry.publish(staged, build())
    assert not staged.exists()
    assert [] == registry.verify()
    assert RevisionState.CANDIDATE == registry.state(revision.id)


def test_numbers_count_up_and_ids_differ(registry: Registry) -> None:
    """Two publications of the same build are two revisions, r1 and r2."""
    first = publish(registry)
    second = publish(registry)
    assert ["r1", "r2"] == [revision.ref for revision in registry.revisions()]
    assert first.id != second.id
    assert first.build_key == second.build_key


def test_a_revision_without_gguf_says_so(registry: Registry) -> None:
    """A base without a GGUF has adapters without one; asking for it is an error of its own."""
    revision = publish(registry)
    assert revision.path / "adapter_model.safetensors" == revision.file("adapter_model.safetensors")
    with pytest.raises(NoSuchFile, match=r"r1 was published without adapter\.gguf"):
        revision.file("adapter.gguf")


def test_everything_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Directories are 0700 and files 0600, also those that a trainer staged with other modes."""
    before = os.umask(0)
    try:
        registry = Registry.open(tmp_path / "home" / "adapters")
        revision = publish(registry, gguf=True)
        registry.promote(revision.id, expected="r0", reason="better")
    finally:
        os.umask(before)
    for path in (registry.root.parent, registry.root, *registry.root.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert wanted == stat.S_IMODE(path.stat().st_mode), path


def test_a_umask_that_takes_everything_locks_nobody_out(tmp_path: Path) -> None:
    """The owner's bits come back even if the umask removes them."""
    before = os.umask(0o777)
    try:
        registry = Registry.open(tmp_path / "adapters")
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE((registry.root / "lock").stat().st_mode)
    assert [] == registry.verify()


def test_resolve_takes_what_people_and_programs_write(registry: Registry) -> None:
    """r7, a full id, the beginning of one, champion, base and r0 all name something."""
    first, second = publish(registry, seed=1), publish(registry, seed=2)
    registry.promote(second.id, expected="r0", reason="better")
    assert first == registry.resolve("r1")
    assert first == registry.resolve(first.id)
    assert first == registry.resolve(first.id[:16])
    assert first == registry.resolve(first.id.removeprefix("rev-")[:12])
    assert second == registry.resolve("champion")
    assert BARE == registry.resolve("base") == registry.resolve("r0")


@pytest.mark.parametrize(
    "ref", ["r3", "", "rev-", "r", "nonsense", "../lock", "rev-" + "0" * 24, "R1", "r" + "9" * 5000]
)
def test_resolve_refuses_what_names_nothing(registry: Registry, ref: str) -> None:
    """A wrong name is an error that repeats the name, never a guess."""
    publish(registry)
    with pytest.raises(UnknownRevision) as caught:
        registry.resolve(ref)
    assert repr(ref) in str(caught.value)


def test_resolve_refuses_a_prefix_that_two_ids_share(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id prefix must be unique; the error lists what it could mean."""
    monkeypatch.setattr("adapters.registry._SHORTEST_PREFIX", 0)
    ids = {publish(registry, seed=seed).id for seed in (1, 2)}
    with pytest.raises(AmbiguousRevision) as caught:
        registry.resolve("rev-")
    assert all(revision_id in str(caught.value) for revision_id in ids)


def test_find_build_knows_a_build_by_its_inputs(registry: Registry) -> None:
    """Base, snapshot, recipe and seed decide; the newest of several is found."""
    publish(registry, seed=1)
    newest = publish(registry, seed=1, identity="me", versions={"persona": "0.2"})
    inputs = build(seed=1)
    key = build_key(base=BASE.fingerprint, snapshot="d-1", recipe=inputs.recipe, seed=1)
    assert inputs.build_key == key
    assert newest == registry.find_build(key)
    for other in (
        build(seed=2),
        build(snapshot="d-2"),
        build(recipe={"rank": 4}),
        build(base=replace(BASE, fingerprint="b2-sha256:ff")),
    ):
        assert registry.find_build(other.build_key) is None


def test_lineage_goes_down_to_the_bare_base(registry: Registry) -> None:
    """Newest first; revisions beside the line are not in it; r0 has none."""
    first = publish(registry, seed=1)
    publish(registry, seed=2)
    third = publish(registry, seed=3, parent=first.id)
    assert [third, first] == registry.lineage(third.id)
    assert [] == registry.lineage("r0")


def test_a_parent_must_be_there(registry: Registry) -> None:
    """A revision cannot be built on one that is not in the registry; what was staged stays."""
    staged = fill(registry.stage("n"))
    with pytest.raises(UnknownRevision):
        registry.publish(staged, build(parent="rev-" + "0" * 24))
    assert staged.exists()
    assert [] == registry.revisions()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp", "A", "-a", "a" * 65, "a\n", "é"])
def test_staging_names_cannot_lead_elsewhere(registry: Registry, name: str) -> None:
    """Only plain names are staged or discarded."""
    with pytest.raises(BadName):
        registry.stage(name)
    with pytest.raises(BadName):
        registry.discard(name)


def test_a_staging_name_is_taken_until_it_is_discarded(registry: Registry) -> None:
    """A crashed run's files are never mixed with the next run's; discard removes them, and twice is fine."""
    fill(registry.stage("night"))
    with pytest.raises(NameTaken, match="discard it"):
        registry.stage("night")
    registry.discard("night")
    registry.discard("night")
    assert [] == list(registry.stage("night").iterdir())


def test_discard_follows_no_links(registry: Registry, tmp_path: Path) -> None:
    """What a link in a staged directory points at is not ours to remove."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    staged = registry.stage("night")
    (staged / "link").symlink_to(precious)
    (staged / "below").mkdir()
    (staged / "below" / "file-link").symlink_to(precious / "file")
    registry.discard("night")
    assert not staged.exists()
    assert (precious / "file").exists()


def test_publish_takes_only_what_stage_made(registry: Registry, tmp_path: Path) -> None:
    """A directory from elsewhere, or a link to one, is refused untouched."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    fill(elsewhere)
    link = registry.root / "staging" / "link"
    link.symlink_to(elsewhere)
    for staged in (elsewhere, link, registry.root / "staging" / "missing"):
        with pytest.raises(NotPublishable, match="not a directory made by stage"):
            registry.publish(staged, build())
    assert (elsewhere / "adapter_config.json").exists()


def test_promote_is_compare_and_swap(registry: Registry) -> None:
    """Who judged against a champion that has moved since changes nothing and learns who it is now."""
    first, second = publish(registry, seed=1), publish(registry, seed=2)
    registry.promote(first.id, expected="r0", reason="better")
    before = contents(registry.root)
    with pytest.raises(ChampionMoved) as caught:
        registry.promote(second.id, expected="r0", reason="better than r0")
    assert (first.id, "r0") == (caught.value.found, caught.value.expected)
    assert before == contents(registry.root)


def test_each_operation_names_its_parent(registry: Registry) -> None:
    """The log is a chain: numbers count up, and each operation carries the digest of the one before."""
    first, second = publish(registry, seed=1), publish(registry, seed=2)
    promoted = registry.promote(first.id, expected="r0", reason="it wins")
    registry.reject(second.id, "it loses")
    registry.rollback(None, reason="it does not feel right")
    one, two, three = registry.operations()
    assert promoted == one
    assert [1, 2, 3] == [one.number, two.number, three.number]
    assert [None, one.digest, two.digest] == [one.parent, two.parent, three.parent]
    assert ["r0", first.id, first.id] == [o.champion_before for o in (one, two, three)]
    assert "it does not feel right" == three.reason
    assert NOON == three.at


def test_states_follow_from_the_log(registry: Registry) -> None:
    """candidate, champion, former, rejected and retired are what the operations say."""
    revisions = [publish(registry, seed=seed) for seed in range(1, 6)]
    ids = [revision.id for revision in revisions]
    registry.promote(ids[0], expected="r0", reason="")
    registry.promote(ids[1], expected=ids[0], reason="")
    registry.reject(ids[2], "")
    registry.retire(ids[3], "")
    wanted = [
        RevisionState.FORMER,
        RevisionState.CHAMPION,
        RevisionState.REJECTED,
        RevisionState.RETIRED,
        RevisionState.CANDIDATE,
    ]
    assert wanted == [registry.state(revision_id) for revision_id in ids]
    assert wanted == [registry.states()[revision_id] for revision_id in ids]


def test_rollback_goes_to_previous_or_where_it_is_told(registry: Registry) -> None:
    """None goes one champion back; any revision or r0 may be named, also one that never was champion."""
    first, second, third = (publish(registry, seed=seed) for seed in (1, 2, 3))
    registry.promote(first.id, expected="r0", reason="")
    registry.promote(second.id, expected=first.id, reason="")
    assert first.id == registry.previous()
    registry.rollback(None, reason="")
    assert first.id == registry.champion()
    registry.rollback(third.id, reason="")
    assert third.id == registry.champion()
    registry.rollback("r0", reason="")
    assert "r0" == registry.champion()
    with pytest.raises(NotAllowed, match="no champion before it"):
        registry.rollback(None, reason="")


def test_nothing_damaged_takes_office(registry: Registry) -> None:
    """Promotion and rollback read every byte of the revision first; the champion stays."""
    revision = publish(registry)
    weights = revision.file("adapter_model.safetensors")
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(Damaged, match="content changed"):
        registry.promote(revision.id, expected="r0", reason="")
    with pytest.raises(Damaged, match="content changed"):
        registry.rollback(revision.id, reason="")
    assert "r0" == registry.champion()
    assert [] == registry.operations()


@pytest.mark.parametrize("ref", ["r1", "champion", "nonsense", "../revisions", "rev-" + "0" * 24])
def test_operations_take_full_ids_only(registry: Registry, ref: str) -> None:
    """Programs name revisions by id; names that change their meaning are resolved before."""
    publish(registry)
    for attempt in (
        lambda: registry.promote(ref, expected="r0", reason=""),
        lambda: registry.rollback(ref, reason=""),
        lambda: registry.reject(ref, ""),
        lambda: registry.retire(ref, ""),
        lambda: registry.check(ref),
        lambda: registry.erase(ref),
    ):
        with pytest.raises(UnknownRevision):
            attempt()
    assert [] == registry.operations()


def test_damage_to_one_revision_leaves_the_others_usable(registry: Registry) -> None:
    """With r1 unreadable, r2 is still found and promoted and r3 published; what needs r1 says why not."""
    first, second = publish(registry, seed=1), publish(registry, seed=2)
    (first.path / "manifest.json").write_bytes(b"{}")
    registry.promote(second.id, expected="r0", reason="")
    assert second == registry.resolve("champion") == registry.resolve("r2")
    assert "r3" == publish(registry, seed=3).ref
    assert second == registry.find_build(second.build_key)
    assert ["r2", "r3"] == [revision.ref for revision in registry.survey().revisions]
    for attempt in (registry.revisions, lambda: registry.resolve("r1"), lambda: registry.check(first.id)):
        with pytest.raises(Damaged, match=first.id):
            attempt()


def test_a_number_that_damage_hides_is_not_given_again(registry: Registry) -> None:
    """With r2 unreadable the next revision is r3 all the same."""
    publish(registry, seed=1)
    (publish(registry, seed=2).path / "manifest.json").write_bytes(b"")
    assert "r3" == publish(registry, seed=3).ref


def test_erase_takes_the_files_of_a_retired_revision_only(registry: Registry) -> None:
    """The weights are gone for good; number, manifest and lineage stay, and nothing counts as damaged."""
    first = publish(registry, seed=1, gguf=True)
    second = publish(registry, seed=2, parent=first.id)
    with pytest.raises(NotAllowed, match="only a retired revision"):
        registry.erase(first.id)
    registry.retire(first.id, "forgotten")
    registry.erase(first.id)
    registry.erase(first.id)
    assert ["manifest.json"] == [path.name for path in first.path.iterdir()]
    assert [second, first] == registry.lineage(second.id)
    assert [] == registry.verify()
    assert "r3" == publish(registry, seed=3).ref
    with pytest.raises(NotAllowed, match="retired"):
        registry.promote(first.id, expected="r0", reason="")


def test_a_damaged_revision_can_still_be_retired(registry: Registry) -> None:
    """Damage must not keep a bad revision in service."""
    revision = publish(registry)
    (revision.path / "manifest.json").write_bytes(b"")
    registry.retire(revision.id, "damaged")
    assert RevisionState.RETIRED == registry.state(revision.id)


@pytest.mark.parametrize(
    "changes",
    [
        {"parent": "r1"},
        {"parent": "rev-xyz"},
        {"recipe": {"rate": float("nan")}},
        {"recipe": {1: 2}},
        {"recipe": {"path": Path()}},
        {"created_at": NOON.replace(tzinfo=None)},
    ],
)
def test_a_build_refuses_what_a_manifest_could_not_hold(changes: dict[str, object]) -> None:
    """What cannot be written and read back the same is refused where it enters."""
    with pytest.raises(ValueError):
        build(**changes)


def test_a_build_is_what_reading_it_back_will_give() -> None:
    """Its recipe holds lists where tuples were given, and later changes to what was given do not reach it."""
    recipe = {"betas": (0.9, 0.999), "targets": ["q_proj"]}
    inputs = build(recipe=recipe)
    recipe["targets"].append("v_proj")
    assert {"betas": [0.9, 0.999], "targets": ["q_proj"]} == inputs.recipe


def test_leftovers_of_a_run_are_named_and_harmless(registry: Registry) -> None:
    """What is staged shows up as a leftover, never as damage."""
    staged = registry.stage("night")
    (problem,) = registry.verify()
    assert (ProblemKind.LEFTOVER, staged) == (problem.kind, problem.path)
