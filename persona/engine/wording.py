"""Prompts as a base's tokens, and what a model wrote as a completion: the same for every engine.

Text becomes tokens here and nowhere else, with the base's own tokenizer and without adding any token, so what
is served is token for token what was trained.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream

from persona.base import Base
from persona.engine.protocol import Completion, FinishReason, Prompt, Sampling
from persona.errors import EngineError, PromptTooLong
from store.records import Message

PROBE = "The weather today is"  # what an adapter is asked after to see whether it does anything
_WEAKEST, _STRONGEST = 0.1, 10.0  # of penalties: beyond them logits leave what engines compute with


class Wording:
    """Immutable, thread-safe. `context` is how many tokens a prompt and its completion may have together."""

    def __init__(self, base: Base, context: int) -> None:
        self.context = context
        self._template = base.template
        self._tokenizer = _tokenizer(base.tokenizer, base.tokenizer.stat().st_mtime_ns)
        self.stops = frozenset(
            number
            for number in map(self._tokenizer.token_to_id, (base.eos, *base.stops))
            if number is not None
        )

    def prompt(self, prompt: Prompt) -> list[int]:
        """The prompt up to where the assistant goes on. PromptTooLong if no answer fits behind it."""
        tokens = self._rendered(prompt)
        if len(tokens) >= self.context:
            raise PromptTooLong(len(tokens), self.context)
        return tokens

    def count(self, prompt: Prompt) -> int:
        """The tokens of a prompt of any length."""
        return len(self._rendered(prompt))

    def _rendered(self, prompt: Prompt) -> list[int]:
        return self.encode(self._template.render(prompt.messages, prompt.tools, add_generation_prompt=True))

    def pair(self, prompt: Prompt, completion: Message) -> tuple[list[int], list[int]]:
        """A prompt and a whole completion, its end token included."""
        before, answer = self._template.render_completion(prompt.messages, prompt.tools, completion)
        return self.encode(before), self.encode(answer)

    def encode(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def pieces(self) -> Callable[[int], str]:
        """A reader that turns one answer's tokens into text as they come, control tokens left out.

        It keeps back the bytes of a character until the last one is there.
        """
        stream = DecodeStream(skip_special_tokens=True)
        return lambda token: stream.step(self._tokenizer, token) or ""

    def completion(
        self, text: str, finish: FinishReason, *, prompt_tokens: int, completion_tokens: int, seconds: float
    ) -> Completion:
        message = self._template.parse(text)
        return Completion(
            text=text,
            message=message,
            finish_reason="tool_calls" if finish == "stop" and message.tool_calls else finish,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            seconds=seconds,
        )


@lru_cache(maxsize=4)
def _tokenizer(file: Path, changed: int) -> Tokenizer:  # noqa: ARG001  # a file that is replaced is read again
    """Nobody changes it, so engines of the same base share it: reading one takes a good part of a swap."""
    return Tokenizer.from_file(str(file))


def check_sampling(sampling: Sampling) -> None:
    """EngineError for a request that means nothing."""
    if sampling.max_tokens < 1:
        raise EngineError(f"max_tokens is {sampling.max_tokens}: ask for at least one token")
    if sampling.temperature < 0 or not 0 < sampling.top_p <= 1 or sampling.top_k < 0:
        raise EngineError(
            f"temperature {sampling.temperature}, top_p {sampling.top_p}, top_k {sampling.top_k}: "
            "use a temperature of at least 0, a top_p in (0, 1] and a top_k of at least 0 (0: all)"
        )
    if not 0 <= sampling.min_p <= 1:
        raise EngineError(f"min_p is {sampling.min_p}: use a share from 0 (off) to 1")
    if not _WEAKEST <= sampling.repeat_penalty <= _STRONGEST or not all(
        -_STRONGEST <= penalty <= _STRONGEST
        for penalty in (sampling.frequency_penalty, sampling.presence_penalty)
    ):
        raise EngineError(
            f"repeat_penalty {sampling.repeat_penalty}, frequency_penalty {sampling.frequency_penalty}, "
            f"presence_penalty {sampling.presence_penalty}: use a repeat_penalty from {_WEAKEST:g} to "
            f"{_STRONGEST:g} (1: off) and others from {-_STRONGEST:g} to {_STRONGEST:g} (0: off)"
        )
    if "" in sampling.stop:
        raise EngineError("an empty stop string would end every answer before it begins")
