"""What of a user's message the user wrote for this very turn, as sentences.

Invariant: code, quotations, forwarded mail, transcripts and whatever else may be pasted are no words of the
user. What is not clear counts as pasted: a lost signal costs less than somebody else's wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from persona.checker import fold
from persona.distill.detectors.tongues import greets, hands_over, reports

_LONGEST_READ = 4000  # characters; longer messages are read to here
_LONGEST_LINE = 400  # characters; people type shorter lines than they paste
_MOST_SENTENCES = 8

_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*?(?:^[ \t]*(?:```|~~~)[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_TAGGED = re.compile(r"<([a-zA-Z][\w-]{0,40})\b[^>\n]{0,200}>.*?(?:</\1\s*>|\Z)", re.DOTALL)
_QUOTED_LINE = re.compile(r"^\s*(?:>|\||»)")
# From here on somebody else speaks.
_SOMEBODY_ELSE = re.compile(
    r"^\s*(?:[-_=*]{3,}|-+\s*(?:original|forwarded|weitergeleitete|urspr\w+|message|mensaje|messaggio|mensagem)\b"
    r"|begin forwarded message"
    r"|(?:[*_#\[(]*)\s*(?:user|assistant|system|human|ai|bot|tool|function|developer|nutzer|benutzer|assistent|"
    r"utilisateur|usuario|utente|assistente|asistente|usu[aá]rio|sistema?)\s*(?:[\])*_]*)\s*[:>]"
    r"|(?:from|to|sent|date|subject|cc|von|an|gesendet|datum|betreff|de|para|pour|objet|envoy[eé]|enviado|"
    r"fecha|asunto|da|a|inviato|oggetto|data|assunto|enviada|[aà])\s?:\s"
    r"|(?:on|am|le|el|il|em|op) [^\n]{4,120}(?:wrote|schrieb|[eé]crit|escribi[oó]|scritto|escreveu)"
    r"[^\n]{0,60}:\s*$"
    r"|<\|)",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|\"[^\"]*\"|`[^`]*`|(?<!\w)‘.*?’(?!\w)|(?<!\w)'[^']*'(?!\w)"
)
_OPEN_QUOTE = re.compile(r"[“„«\"]")
_END_OF_SENTENCE = re.compile(r"(?<=[.!?…])[\"”'’)\]]*\s+(?=\S)|\s*;\s+")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|z\.b|d\.h|p\.ex|etc|vs|bzw|no|nr|st|dr|mr|mrs|sr|sra)|\d)\.$", re.IGNORECASE
)
_LIST_ITEM = re.compile(r"^\s*(?:[-*•+]|\d{1,3}[.)])\s+\S")
_LEADING_NAME = re.compile(r"^\s*@[\w-]+[,:]?\s*")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """`raw` as the user wrote it; `text` in lower case without accents, every quotation as ⟦⟧."""

    raw: str
    text: str

    @property
    def asks(self) -> bool:
        return self.text.endswith("?")

    @property
    def hands_over(self) -> bool:
        """Does it end where something else begins, which was left out: “Shorten this: …”?"""
        return self.text.endswith(":")

    @property
    def words(self) -> int:
        return len(_WORD.findall(self.text))


@lru_cache(maxsize=8192)
def own_sentences(content: str) -> tuple[Sentence, ...]:
    """The sentences of the message that are the user's own, at most a few, in order.

    The first line is the user's, up to a sentence that tells what somebody else says. A later line is only
    while all before it were greetings, thanks or the like: after a real request comes what it is about.
    """
    return tuple(_own(content[:_LONGEST_READ]))


def _own(content: str) -> Iterator[Sentence]:
    given = 0
    for line in _own_lines(content):
        for sentence in _sentences(line):
            yield sentence
            given += 1
            if given >= _MOST_SENTENCES or reports(sentence.text):
                return


def _own_lines(content: str) -> Iterator[str]:
    bare = _TAGGED.sub("\n\x00\n", _FENCE.sub("\n\x00\n", content))
    for written in bare.splitlines():
        line = _LEADING_NAME.sub("", written)
        if not line.strip():
            continue
        pasted = "\x00" in line or _QUOTED_LINE.match(line) or _SOMEBODY_ELSE.match(line)
        if pasted or _LIST_ITEM.match(line) or len(line) > _LONGEST_LINE:
            return
        own = _before_material(line)
        if own.strip():
            yield own
        if own != line or not greets(fold(own)):
            return


def _before_material(line: str) -> str:
    """The line without what it hands over: “Translate this: …”."""
    masked = _QUOTED.sub(lambda found: "⟦" + "x" * (len(found[0]) - 2) + "⟧", line)
    for colon in re.finditer(r":(?=\s|\Z)", masked):
        if hands_over(fold(masked[: colon.start()])):
            return line[: colon.end()]
    return line


def _sentences(line: str) -> Iterator[Sentence]:
    masked = _QUOTED.sub(lambda found: "⟦" + "\x01" * (len(found[0]) - 2) + "⟧", line)
    if unclosed := _OPEN_QUOTE.search(masked):
        line, masked = line[: unclosed.start()], masked[: unclosed.start()]
    start = 0
    for end in [*_ends(masked), len(masked)]:
        raw = line[start:end].strip(" \t;")
        text = fold(re.sub("⟦\x01*⟧", "⟦⟧", masked[start:end]))
        if _WORD.search(text):
            yield Sentence(raw=raw, text=text)
        start = end


def _ends(masked: str) -> Iterable[int]:
    for found in _END_OF_SENTENCE.finditer(masked):
        if not _ABBREVIATED.search(masked[: found.start()].rstrip(";")):
            yield found.end()


def echoes(span: str, texts: Iterable[str]) -> bool:
    """Does the span, of four words or more, stand in one of these texts? It may be pasted then."""
    words = _WORD.findall(fold(span))
    if len(words) < 4:
        return False
    run = f" {' '.join(words)} "
    return any(run in f" {' '.join(_WORD.findall(fold(text)))} " for text in texts)
