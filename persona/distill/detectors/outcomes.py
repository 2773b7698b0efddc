"""How calls ended, as their results tell: clean, empty, an error, or an error that the next call put right.

Polarity and confidence: ok +1 0.2, empty -1 0.1, error -1 0.3, fixed +1 0.3. Invariant: these are facts about
tools. Results are written by others, so nothing makes an example or a preference of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Literal

from persona.distill.detectors.contract import Exchange, Finding
from persona.distill.signals import Detector
from store.records import Json, Message

Outcome = Literal["ok", "empty", "error"]

_LONGEST_READ = 2000  # characters of a result
_EMPTY = re.compile(
    r"\s*(?:null|none|nil|undefined|\[\s*\]|\{\s*\}|\"\"|''|\(?empty\)?\.?|not found\.?|nothing found\.?"
    r"|no (?:results?|matches|data|output|entries|rows|files)(?: (?:were )?found)?\.?"
    r"|0 (?:results?|matches|rows)(?: found)?\.?)?\s*\Z",
    re.IGNORECASE,
)
_ERROR = re.compile(
    r"\s*[\[(<*#]*\s*"
    r"(?:(?:fatal|internal|server|runtime|syntax|tool|api|http|network|connection|unexpected)\s+)?"
    r"(?:error|exception|failed|failure|fatal|panic|traceback|timed? ?out|timeout|permission denied"
    r"|access denied"
    r"|unauthori[sz]ed|forbidden|not allowed|bad request|cannot|could not|couldn't"
    r"|unable to|unrecognized|no such"
    r"|invalid (?:argument|parameter|request|input|value|option|json|city|path)"
    r"|unknown (?:argument|parameter|option|tool|command|city|host)"
    r"|missing (?:required )?(?:argument|parameter)|command not found|usage:|segmentation fault"
    r"|[a-z]\w+(?:Error|Exception)\b|[45]\d\d (?:bad|un|for|not|inter|serv|gate|too|err)\w*"
    r"|HTTP/?[\d.]* [45]\d\d\b|status(?: code)?:? [45]\d\d\b"
    r"|exit(?:ed)? (?:with )?(?:code|status):? [1-9])",
    re.IGNORECASE,
)
_ERROR_WITHIN = re.compile(
    r"^Traceback \(most recent call last\)|: command not found|: No such file or directory"
    r"|: Permission denied"
    r"|\b(?:exit|return)(?:ed)?(?: with)?[ _-]?(?:code|status)\W{1,3}[1-9]|^\w*(?:Error|Exception): ",
    re.MULTILINE | re.IGNORECASE,
)
_ERROR_KEYS = ("error", "errors", "exception", "error_message")
_FALSE_IS_ERROR = ("ok", "success", "succeeded")
_TRUE_IS_ERROR = ("iserror", "is_error", "failed", "timed_out")
_CODES = ("exit_code", "exitcode", "returncode", "return_code")
_EMPTY_KEYS = ("results", "items", "data", "matches", "rows", "hits", "entries", "files", "output", "stdout")


def outcomes(exchange: Exchange) -> Iterator[Finding]:
    """How the calls of the completion ended; nothing for those whose result is not there."""
    calls = exchange.completion.tool_calls
    if not calls:
        return
    results = _results(exchange.after)
    if not results:
        return
    found = [outcome(result.content) for result in results]
    place = len(results) - 1
    names = ", ".join(dict.fromkeys(call.name for call in calls))
    if "error" in found:
        yield Finding(detector=Detector.TOOL_ERROR, span=f"({names}: error)", place=place)
    elif "empty" in found:
        yield Finding(detector=Detector.TOOL_EMPTY, span=f"({names}: empty)", place=place)
    else:
        yield Finding(detector=Detector.TOOL_OK, span=f"({names}: ok)", place=place)
        if _puts_right(exchange):
            yield Finding(detector=Detector.TOOL_FIXED, span=f"({names}: ok after an error)", place=place)


def outcome(content: str) -> Outcome:
    """How a call with this result ended."""
    text = content[:_LONGEST_READ]
    if _EMPTY.match(text):
        return "empty"
    document = _document(content)
    if isinstance(document, dict):
        return _outcome_of({str(key).lower(): value for key, value in document.items()})
    if isinstance(document, list):
        return "ok"
    return "error" if _ERROR.match(text) or _ERROR_WITHIN.search(text) else "ok"


def _document(content: str) -> Json:
    if content.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _outcome_of(document: dict[str, Json]) -> Outcome:
    status = document.get("status", document.get("status_code", document.get("code")))
    failed = (
        any(document.get(key) not in (None, False, "", [], {}, 0, "none", "null") for key in _ERROR_KEYS)
        or any(document.get(key) is False for key in _FALSE_IS_ERROR)
        or any(document.get(key) is True for key in _TRUE_IS_ERROR)
        or any(document.get(key) not in (None, 0, "0") for key in _CODES)
        or (isinstance(status, int) and not isinstance(status, bool) and 400 <= status < 600)
        or (isinstance(status, str) and status.lower() in ("error", "failed", "failure", "fail", "timeout"))
    )
    if failed:
        return "error"
    payload = [document[key] for key in _EMPTY_KEYS if key in document]
    return "empty" if payload and all(value in (None, "", [], {}) for value in payload) else "ok"


def _results(messages: Sequence[Message]) -> list[Message]:
    return list(takewhile(lambda message: message.role == "tool", messages))


def _puts_right(exchange: Exchange) -> bool:
    """Did the same tool fail right before, when it was called with other arguments?"""
    prompt = exchange.interaction.prompt
    results: list[Message] = []
    position = len(prompt)
    while position and prompt[position - 1].role == "tool":
        position -= 1
        results.append(prompt[position])
    before = prompt[position - 1] if position else None
    if before is None or not results or all(outcome(result.content) != "error" for result in results):
        return False
    now = exchange.completion.tool_calls
    return any(
        old.name == new.name and dict(old.arguments) != dict(new.arguments)
        for old in before.tool_calls
        for new in now
    )
