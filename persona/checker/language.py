"""Which language an answer is in, told by its function words or its script: no model, no dependency."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from persona.checker.contract import StyleChecker
from persona.checker.prose import without_code

_FUNCTION_WORDS = {
    "en": "a an i in do the and is are of to that it this with for you was be have not on as at by from or "
    "but they which we can your will",
    "de": "in der die das und ist nicht ein eine einen mit für auf den von zu dem sich auch es wird sind im "
    "ich du wir sie wie aber oder kann",
    "fr": "le la les et est un une des du que qui dans pour pas avec sur il elle vous nous je ce cette sont "
    "au ou mais plus",
    "es": "el la los las y es un una que de del en por para con no se su lo como más pero sus está son al "
    "este esta",
    "it": "il lo la gli le e è un una che di del della in per con non si sono come più ma anche questo nel "
    "alla dei",
    "pt": "o a os as e é um uma que de do da em por para com não se são como mais mas também no na dos "
    "ao seu",
    "nl": "in de het een en is van dat niet met voor op zijn te aan er ook als bij maar om wordt door naar "
    "kan je ik",
    "sv": "och är en ett att det som inte på av för med den har till om kan du jag men eller från så vi",
    "pl": "i w na jest nie się to z do że jak o po co ale dla od są przez być czy za tym",
}
_WORDS = {code: frozenset(words.split()) for code, words in _FUNCTION_WORDS.items()}
_SCRIPTS = {
    "ru": re.compile("[\u0400-\u04ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}
_TOKEN = re.compile(r"[^\W\d_]+")
_NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch", "sv": "Swedish", "pl": "Polish", "ru": "Russian", "el": "Greek", "he": "Hebrew",
    "ar": "Arabic", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "zh": "Chinese",
}  # fmt: skip
CODES = {name.casefold(): code for code, name in _NAMES.items()}


def function_words(code: str) -> frozenset[str]:
    """The words by which a text of this language is known."""
    return _WORDS[code]


def language_of(text: str) -> str | None:
    """The language whose function words, or whose letters, the text has most of; None where nothing tells."""
    _, counts, scripts = _counted(text)
    (language, best), (_, second) = Counter(counts | scripts).most_common(2)
    return language if best > second else None


def _counted(text: str) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """The words of a text without its code; its function words, and its letters, by language."""
    text = without_code(text)
    tokens = [token.casefold() for token in _TOKEN.findall(text)]
    counts = {code: sum(token in words for token in tokens) for code, words in _WORDS.items()}
    return tokens, counts, {code: len(script.findall(text)) for code, script in _SCRIPTS.items()}


# Up to this many words without any function word may be a name or a number, which is in every language.
_TOO_SHORT_TO_TELL = 3


@dataclass(frozen=True, kw_only=True)
class Language(StyleChecker):
    """The answer is in this language (ISO 639-1 `code`); close relatives are told apart only roughly."""

    kind: ClassVar[str] = "language"
    code: str

    def __post_init__(self) -> None:
        if self.code not in _NAMES:
            raise ValueError(f"checker 'language': {self.code!r} is none of {', '.join(_NAMES)}")

    def holds(self, text: str) -> bool:
        tokens, counts, scripts = _counted(text)
        letters = sum(map(len, tokens))
        if len(tokens) <= _TOO_SHORT_TO_TELL and not any(counts.values()) and not any(scripts.values()):
            return True
        if self.code in _SCRIPTS:
            # Japanese is told from Chinese by its kana, which make up a third of it at least.
            share = {"ja": 0.15}.get(self.code, 0.5)
            return scripts[self.code] >= share * letters and not (self.code == "zh" and scripts["ja"])
        return 0 < counts[self.code] == max(counts.values()) and max(scripts.values()) <= 0.5 * letters

    def describe(self) -> str:
        return f"in {_NAMES[self.code]}"
