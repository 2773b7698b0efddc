"""What a request is for, told from its words: the kinds that a preference's scope can name.

Pure and small on purpose: a wrong kind must cost little, so what is not clear is a plain question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from persona.checker.prose import without_code
from store.records import Message

QUESTION = "question"  # whatever is none of the others
_LONGEST_READ = 400  # characters from either end: the request stands before or after what it is about

_LANGUAGES = (
    "english|german|french|spanish|italian|portuguese|dutch|swedish|polish|russian|greek|hebrew|arabic|hindi|"
    "japanese|korean|chinese|danish|norwegian|finnish|turkish|czech"
)
_SUCH = (
    r"(?:an?|the|my|some)\s+(?:(?:short|brief|quick|polite|formal|friendly|nice|kind|simple|small|little|new|first|"
    r"good)\s+)*"
)
_MAKE = r"(?:write|give|show|make|create|implement|need|want|debug|fix|refactor|review|explain|add)"
_PROSE = r"(?:grammar|spelling|text|sentence|wording|paragraph|e-?mail|letter|essay|draft)"
_CODE_NAMES = (
    r"python|javascript|typescript|rust|golang|java|c\+\+|c#|kotlin|swift|ruby|php|haskell|sql|bash|shell|"
    r"powershell|regex(?:es|p)?|regular expression|html|css|json|yaml|dockerfile|makefile|pandas|numpy|react"
)
_LETTER = (
    r"(?:e-?mail|mail|letter|message|note|reply|invitation|post|tweet|speech|toast|essay|article|blog|"
    r"announcement|review|poem|story|card|reminder|memo|press release)"
)
_PROGRAM = (
    r"(?:function|script|code|class|method|query|one-?liner|program|unit tests?|snippet|command|macro"
    rf"|decorator|loop|parser|{_CODE_NAMES})(?!\w)"
)
_GIT = r"git (?:commit|rebase|log|branch|merge|push|pull|checkout|stash)"
# The first kind of which a pattern is found counts.
_KINDS: Mapping[str, re.Pattern[str]] = {
    kind: re.compile("|".join(patterns), re.IGNORECASE)
    for kind, patterns in {
        "translation": (
            r"\btranslat(?:e|ion|ing)\b",
            rf"\b(?:say|put|write|is|called|mean)\b[^.?!\n]{{0,80}}\b(?:in|into)\s+(?:{_LANGUAGES})\b",
            rf"^\s*(?:in|into|to)\s+(?:{_LANGUAGES})\s*:",
        ),
        "summary": (
            r"\bsummar(?:y|i[sz]e|i[sz]ing)\b|\btl;?dr\b|\b(?:the )?(?:gist|key points|main points)\b",
            r"\bboil (?:this|it|that) down\b|\bsum (?:this|it|that) up\b",
        ),
        "rewrite": (
            r"\b(?:rewrite|rephrase|reword|proofread|paraphrase|polish|edit)\s+(?:this|my|the|it|these|that)\b",
            rf"\b(?:correct|fix|improve|shorten|check)\s+(?:this|my|the)\s+(?:\w+\s+)?{_PROSE}\b",
        ),
        "draft": (
            rf"\b(?:write|draft|compose|prepare)\b(?:\s+(?:me|us))?\s+{_SUCH}(?:\w+\s+)?{_LETTER}\b",
            r"\b(?:reply|respond|answer) to (?:this|the following) (?:e-?mail|mail|letter|message)\b",
        ),
        "code": (
            rf"\b{_MAKE}\b[^.?!\n]{{0,40}}\b{_PROGRAM}",
            rf"\bin (?:{_CODE_NAMES})(?!\w)",
            rf"\b(?:{_CODE_NAMES}) (?:code|function|script|command|one-?liner)\b",
            rf"\b(?:traceback|stack trace|compiler error|syntaxerror|typeerror|segfault|{_GIT})\b",
            rf"\bhow (?:do|can|would) i\b[^.?!\n]{{0,60}}\b(?:{_CODE_NAMES}|git|data ?frame|docker)(?!\w)",
        ),
        "ideas": (
            r"\b(?:brainstorm|ideas?|suggestions?|suggest|recommend(?:ations?)?)\b",
            r"\b(?:give|name|list)\s+(?:me\s+)?(?:\d+|some|a few|three|five|ten)\b",
        ),
        "maths": (
            r"\b(?:calculate|compute|solve|convert|square root|percent of|derivative|integral|equation)\b",
            r"\b(?:what(?:'s| is)|how much is)\s+\d|\d\s*[-+*/×÷^=]\s*\d",
        ),
    }.items()
}
KINDS = (*_KINDS, QUESTION)


def request_kind(prompt: Sequence[Message]) -> str:
    """The kind of what the user asked for last: one of KINDS."""
    asked = next((message.content for message in reversed(prompt) if message.role == "user"), "")
    fenced = "```" in asked
    text = without_code(asked)
    if len(text) > 2 * _LONGEST_READ:
        text = f"{text[:_LONGEST_READ]}\n{text[-_LONGEST_READ:]}"
    found = next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), QUESTION)
    return "code" if found == QUESTION and fenced else found
