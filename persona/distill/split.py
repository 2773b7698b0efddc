"""Which conversations train and which are held out: decided once for each, by rule, never by chance.

Invariants: the same conversations in the same state give the same split; one that was assigned never moves;
where a preference has conversations enough, some of them are held out and some are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from store.records import Split

_SALT = "persona/split/1"
_ENOUGH = 3  # conversations of one topic, before one of them is held out


def assign_splits(
    topics: Mapping[str, frozenset[str]], assigned: Mapping[str, Split], *, share: float
) -> dict[str, Split]:
    """The split of every conversation that has none yet.

    `topics` names the conversations and what each gives examples of; `share` of the conversations of each
    topic, at least one of three, are held out, as far as the earlier assignments allow, and at least one of
    three is not.
    """
    held = {name for name in topics if assigned.get(name) is Split.HELD_OUT}
    free = sorted((name for name in topics if name not in assigned), key=_rank)
    by_topic: dict[str, list[str]] = {"": sorted(topics)}
    for name in sorted(topics):
        for topic in topics[name]:
            by_topic.setdefault(topic, []).append(name)
    for _, names in sorted(by_topic.items(), key=lambda item: (len(item[1]), item[0])):
        missing = _target(len(names), share) - len(held.intersection(names))
        members = set(names)
        for name in free:
            if missing <= 0:
                break
            if name in members and name not in held and not _last_to_train(name, topics, by_topic, held):
                held.add(name)
                missing -= 1
    return {name: Split.HELD_OUT if name in held else Split.TRAIN for name in free}


def _last_to_train(
    name: str, topics: Mapping[str, frozenset[str]], by_topic: Mapping[str, list[str]], held: set[str]
) -> bool:
    """Is it all that is left to learn one of its topics from?"""
    return any(
        len(by_topic[topic]) >= _ENOUGH and held.issuperset(one for one in by_topic[topic] if one != name)
        for topic in topics[name]
    )


def _target(conversations: int, share: float) -> int:
    if share <= 0 or conversations < _ENOUGH:
        return 0
    return min(max(1, round(share * conversations)), conversations - 1)


def _rank(conversation: str) -> str:
    return sha256(f"{_SALT}:{conversation}".encode()).hexdigest()
