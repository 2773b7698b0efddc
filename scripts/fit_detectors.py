"""Learns the weights of the judge of replies (persona/distill/detectors/judge.py) from labelled turns.

A logistic regression over the traits of a reply, for each kind. The threshold is the lowest at which
predictions for turns that were not learnt from have the wanted precision; conversations are never divided.
`--measure` prints these figures beside those of the rules, those for languages that were left out, and those
for logs that were left out: each log has an author, and how others write is what counts. `--write` writes the
weights. What the rules find on turns that they were developed on says nothing of what it
is worth elsewhere, so it counts as unknown there, and neither thresholds nor figures are taken from these.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_detectors import conversation
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

from persona.distill.detectors import Exchange
from persona.distill.detectors.before import plays
from persona.distill.detectors.echoes import said_elsewhere
from persona.distill.detectors.judge import KINDS, heard_reply, is_open
from persona.distill.detectors.own_words import echoes
from persona.distill.detectors.restatements import restates
from persona.distill.detectors.traits import traits
from persona.distill.exchanges import lines

ROOT = Path(__file__).parents[1]
LOGS = tuple(
    ROOT / "samples" / f"{name}.jsonl" for name in ("development_turns", "labelled_turns", "second_turns")
)
WEIGHTS = ROOT / "persona" / "distill" / "detectors" / "weights.json"
PRECISION = 0.9
_DEVELOPED_ON = "development_turns"  # the log that the rules were developed on,
_UP_TO = 500  # up to the conversation of this number
_SEEN = 4  # replies that have a trait, before it is learnt
_STRENGTH = 0.3  # the inverse of the ridge
_FOLDS = 8
_LEAST = 0.01  # a smaller weight is none
_PLAIN = 0.8  # the precision that what rules find plainly said keeps: a veto has to be surer than a finding
_CLOSED = -99.0  # the sum of what may be nothing
_FEWEST = 5  # found at a threshold, before its precision is believed
_UNKNOWN = "rule unknown"
_OF_RULES = frozenset(
    ("correction",)
)  # kinds that the rules were developed for; the others' figures are of all turns


@dataclass(frozen=True, kw_only=True)
class Row:
    """A reply: its traits, its label, where it is from, and what the rules find."""

    log: str
    talk: str
    language: str
    fresh: bool
    kind: str
    traits: Mapping[str, float]
    by_rules: Mapping[str, bool]
    is_open: bool
    plain: bool


def all_rows() -> list[Row]:
    """The replies of every log."""
    return [row for log in LOGS for row in rows(log.stem, map(json.loads, log.read_bytes().splitlines()))]


def source() -> bytes:
    """What the weights are learnt from."""
    return b"".join(log.read_bytes() for log in LOGS)


def rows(log: str, given: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """The replies of a log that are judged."""
    for line in given:
        talk = conversation(line)
        kinds = {label["turn"]: label["kind"] for label in line["labels"]}
        interactions = list(talk.interactions())
        last = interactions[-1]
        rest = talk.messages[len(last.prompt) + 1 :]
        for each in lines(interactions, lambda name, rest=rest, last=last: rest if name == last.id else ()):
            exchange = Exchange(interaction=each.interaction, after=each.after, others=each.others)
            reply, heard = exchange.reply(), heard_reply(exchange)
            if reply is None or heard is None or not heard.sentences:
                continue
            elsewhere = tuple(said_elsewhere(exchange))
            if plays(each.interaction.prompt, reply[1]) or echoes(reply[1].content, elsewhere):
                continue
            yield Row(
                log=log,
                talk=f"{log} {line['id']}",
                language=line["language"],
                fresh=log != _DEVELOPED_ON or int(line["id"].rsplit("-", 1)[1]) > _UP_TO,
                kind=kinds[len(each.interaction.prompt)],
                traits=traits(heard),
                by_rules={
                    "correction": heard.ruled,
                    "restated": not heard.ruled and restates(heard.request, heard.content),
                },
                is_open=is_open(heard),
                plain=heard.plain,
            )


class Fitted:
    """One kind's weights."""

    def __init__(self, given: Sequence[Row], kind: str) -> None:
        seen = Counter(name for row in given for name in row.traits)
        known = [{k: v for k, v in row.traits.items() if seen[k] >= _SEEN} for row in given]
        for row, features in zip(given, known, strict=True):
            if not row.fresh:
                features.pop("rule", None)
                features[_UNKNOWN] = 1.0
        self._vectors = DictVectorizer()
        matrix = self._vectors.fit_transform(known)
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
        self._model = LogisticRegression(C=_STRENGTH, solver="liblinear", max_iter=500)
        self._model.fit(matrix, [row.kind == kind for row in given])

    def sums(self, given: Sequence[Row]) -> np.ndarray:
        matrix = self._vectors.transform([row.traits for row in given])
        sums = np.asarray(self._model.decision_function(matrix))
        return np.where([row.is_open for row in given], sums, _CLOSED)

    def weights(self) -> dict[str, float]:
        names = self._vectors.get_feature_names_out()
        found = zip(names, self._model.coef_[0], strict=True)
        return {str(name): float(weight) for name, weight in found if name != _UNKNOWN}

    @property
    def bias(self) -> float:
        return float(self._model.intercept_[0])


def out_of_fold(given: Sequence[Row], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The sum for every reply by weights that were learnt without its conversation, and its fold."""
    truth = [row.kind == kind for row in given]
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    sums, number = np.zeros(len(given)), np.zeros(len(given), dtype=int)
    for fold, (learn, ask) in enumerate(folds.split(given, truth, [row.talk for row in given])):
        fitted = Fitted([given[each] for each in learn], kind)
        sums[ask], number[ask] = fitted.sums([given[each] for each in ask]), fold
    return sums, number


def by_others(given: Sequence[Row], kind: str) -> np.ndarray:
    """The sum for every reply by weights that were learnt without the log that it stands in."""
    logs, sums = np.array([row.log for row in given]), np.zeros(len(given))
    for log in sorted(set(logs)):
        fitted = Fitted([row for row in given if row.log != log], kind)
        sums[logs == log] = fitted.sums([row for row in given if row.log == log])
    return sums


def _untouched(given: Sequence[Row], kind: str) -> np.ndarray:
    """The replies that no rule for the kind was developed on."""
    return np.array([row.fresh or kind not in _OF_RULES for row in given])


def _plain(given: Sequence[Row], kind: str) -> np.ndarray:
    return np.array([row.plain and kind in _OF_RULES for row in given])


def _levels(
    sums: np.ndarray, truth: np.ndarray, plain: np.ndarray, precision: float = PRECISION
) -> tuple[float, float]:
    """The thresholds of what rules find plainly said, and of everything else."""
    veto = threshold(sums[plain], truth[plain], min(precision, _PLAIN)) if plain.any() else 0.0
    return veto, threshold(sums[~plain], truth[~plain], precision)


def _found(sums: np.ndarray, plain: np.ndarray, levels: tuple[float, float]) -> np.ndarray:
    return np.asarray(np.where(plain, sums >= levels[0], sums >= levels[1]))


def threshold(sums: np.ndarray, truth: np.ndarray, precision: float = PRECISION) -> float:
    """The lowest sum from which on what is found has the precision."""
    order = np.argsort(-sums, kind="stable")
    counts = np.arange(1, len(order) + 1)
    enough = np.flatnonzero((np.cumsum(truth[order]) / counts >= precision) & (counts >= _FEWEST))
    if not len(enough):
        return float(sums.max()) + 1
    last = enough[-1]
    following = sums[order[last + 1]] if last + 1 < len(order) else sums[order[last]] - 1
    return float((sums[order[last]] + following) / 2)


def learnt(given: Sequence[Row], source: bytes) -> dict[str, Any]:
    """What weights.json holds."""
    kinds, weights = {}, {}
    for place, kind in enumerate(KINDS):
        sums, _ = out_of_fold(given, kind)
        truth = np.array([row.kind == kind for row in given])
        fitted, fresh = Fitted(given, kind), _untouched(given, kind)
        veto, level = _levels(sums[fresh], truth[fresh], _plain(given, kind)[fresh])
        kinds[kind] = {"bias": round(fitted.bias, 3), "threshold": round(level, 3), "plain": round(veto, 3)}
        for name, weight in fitted.weights().items():
            if abs(weight) >= _LEAST:
                weights.setdefault(name, [0.0] * len(KINDS))[place] = round(weight, 2)
    return {
        "log": hashlib.sha256(source).hexdigest(),
        "kinds": kinds,
        "weights": dict(sorted(weights.items())),
    }


def written(content: Mapping[str, Any]) -> str:
    """One trait a line, so that changes can be read."""
    head = {name: part for name, part in content.items() if name != "weights"}
    text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    each = [
        f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(sums, separators=(',', ':'))}"
        for name, sums in content["weights"].items()
    ]
    return text + ',\n "weights": {\n' + ",\n".join(each) + "\n}}\n"


def measured(given: Sequence[Row]) -> Iterator[str]:
    """Precision and recall by rules and by weights that did not learn from what they are asked about."""
    languages = np.array([row.language for row in given])
    for kind in KINDS:
        truth = np.array([row.kind == kind for row in given])
        by_rules, fresh = np.array([row.by_rules[kind] for row in given]), _untouched(given, kind)
        sums, fold = out_of_fold(given, kind)
        plain = _plain(given, kind)
        found = np.zeros(len(given), dtype=bool)
        for each in range(_FOLDS):  # the threshold, too, from the others
            others = fresh & (fold != each)
            levels = _levels(sums[others], truth[others], plain[others])
            found |= (fold == each) & _found(sums, plain, levels)
        left_out = np.zeros(len(given))
        for language in sorted(set(languages)):
            fitted = Fitted([row for row in given if row.language != language], kind)
            left_out[languages == language] = fitted.sums([row for row in given if row.language == language])
        left_out = _found(left_out, plain, _levels(sums[fresh], truth[fresh], plain[fresh]))
        of_new = np.array([row.fresh for row in given])
        for name, which in (("fresh", of_new), ("all", of_new | True)):
            yield f"{kind}, {name} turns, {truth[which].sum()} of {which.sum()}"
            yield f"  rules              {_figures(by_rules[which], truth[which])}"
            yield f"  judge              {_figures(found[which], truth[which])}"
            for precision in (0.95, 0.8):
                levels = _levels(sums[fresh], truth[fresh], plain[fresh], precision)
                other = _found(sums, plain, levels)
                yield f"  judge, for {precision:.2f}    {_figures(other[which], truth[which])}"
            yield f"  language left out  {_figures(left_out[which], truth[which])}"
        for language in sorted(set(languages)):
            own = languages == language
            yield (
                f"  {language}: rules {_figures(by_rules[own], truth[own])}, judge"
                f" {_figures(found[own], truth[own])}, left out {_figures(left_out[own], truth[own])}"
            )


def measured_by_log(given: Sequence[Row]) -> Iterator[str]:
    """Corrections in each log by weights and thresholds that come from the other logs alone."""
    kind = KINDS[0]
    logs = np.array([row.log for row in given])
    truth, plain = np.array([row.kind == kind for row in given]), _plain(given, kind)
    by_rules = np.array([row.by_rules[kind] for row in given])
    left_out = by_others(given, kind)
    for log in sorted(set(logs)):
        own, others = logs == log, [row for row in given if row.log != log]
        (sums, _), fresh = out_of_fold(others, kind), _untouched(others, kind)
        yield f"{kind}, {log} left out, {truth[own].sum()} of {own.sum()}"
        yield f"  rules              {_figures(by_rules[own], truth[own])}"
        for precision in (0.95, 0.9, 0.8):
            levels = _levels(sums[fresh], truth[logs != log][fresh], plain[logs != log][fresh], precision)
            found = _found(left_out[own], plain[own], levels)
            yield f"  judge, for {precision:.2f}    {_figures(found, truth[own])}"
        reached = average_precision_score(truth[own], left_out[own])
        yield f"  average precision  {reached:.3f}"


def _figures(found: np.ndarray, truth: np.ndarray) -> str:
    right = int((found & truth).sum())
    precision = f"{right / found.sum():.3f}" if found.any() else "-"
    recall = f"{right / truth.sum():.3f}" if truth.any() else "-"
    return f"precision {precision} recall {recall} ({right} of {int(found.sum())})"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--measure", action="store_true", help="print figures of turns that were not learnt from"
    )
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.relative_to(ROOT)}")
    asked = parser.parse_args()
    given = all_rows()
    if asked.measure:
        for line in (*measured_by_log(given), *measured(given)):
            print(line)
    if asked.write:
        text = written(learnt(given, source()))
        WEIGHTS.write_text(text, encoding="utf-8")
        print(f"{len(given)} replies, {len(text.encode())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
