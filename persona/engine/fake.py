"""An engine that answers from a script: for tests, of persona's own parts and of what is built on them.

It keeps the contract of persona.engine.protocol, with words for tokens.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from persona.engine.protocol import Completion, Delta, FinishReason, Prompt, Sampling
from persona.engine.wording import check_sampling
from persona.errors import EngineClosed, EngineError
from persona.template.calls import read_message
from persona.template.controls import Controls

Script = Mapping[str, str] | Callable[[Prompt], str] | Sequence[str]

_WORD = re.compile(r"\s*\S+|\s+$")
_NO_CONTROLS = Controls(())


class ScriptedEngine:
    """An Engine. `script` is one of: answers by the last message's content; a function of the prompt; or
    replies that are given one after the other, whatever is asked. Calls are written as a model would,
    `<tool_call>{"name": ..., "arguments": ...}</tool_call>`. A json_schema is not looked at.

    `seconds_a_word` makes it take its time. `asked` holds every request, and `cancelled` counts the streams
    that were closed before their end.
    """

    def __init__(self, script: Script, *, revision: str = "r0", seconds_a_word: float = 0.0) -> None:
        self.asked: list[tuple[Prompt, Sampling]] = []
        self.cancelled = 0
        self._script = script
        self._given = 0
        self._revision = revision
        self._pause = seconds_a_word
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def revision(self) -> str:
        return self._revision

    def complete(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Completion]:
        self._check(sampling)
        answers = []
        for prompt in prompts:
            *_, last = self._speak(prompt, sampling)
            assert last.completion is not None
            answers.append(last.completion)
        return answers

    def stream(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        self._check(sampling)
        return self._speak(prompt, sampling)

    def count(self, prompt: Prompt) -> int:
        if self._closed.is_set():
            raise EngineClosed(self._revision)
        return sum(len(message.content.split()) for message in prompt.messages)

    def close(self) -> None:
        self._closed.set()

    def _speak(self, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        began = time.monotonic()
        words = _WORD.findall(self._reply(prompt, sampling))
        finish: FinishReason = "length" if len(words) > sampling.max_tokens else "stop"
        words = words[: sampling.max_tokens]
        text = "".join(words)
        found = [at for at in map(text.find, sampling.stop) if at >= 0]
        if found:
            finish, text = "stop", text[: min(found)]
            words = _WORD.findall(text)
        done = False
        try:
            for word in words:
                self._wait()
                yield Delta(text=word, pieces=1)
            done = True
        finally:
            self.cancelled += not done
        message = read_message(text, _NO_CONTROLS)
        yield Delta(
            completion=Completion(
                text=text,
                message=message,
                finish_reason="tool_calls" if finish == "stop" and message.tool_calls else finish,
                prompt_tokens=sum(len(message.content.split()) for message in prompt.messages),
                completion_tokens=len(words),
                seconds=time.monotonic() - began,
            )
        )

    def _reply(self, prompt: Prompt, sampling: Sampling) -> str:
        with self._lock:
            self.asked.append((prompt, sampling))
            if callable(self._script):
                return self._script(prompt)
            if isinstance(self._script, Mapping):
                asked = prompt.messages[-1].content
                if asked not in self._script:
                    raise EngineError(f"the script has no answer to {asked!r}")
                return self._script[asked]
            if self._given == len(self._script):
                raise EngineError(f"the script ends after {self._given} answers")
            self._given += 1
            return self._script[self._given - 1]

    def _wait(self) -> None:
        if self._closed.wait(self._pause):
            raise EngineClosed(self._revision)

    def _check(self, sampling: Sampling) -> None:
        if self._closed.is_set():
            raise EngineClosed(self._revision)
        check_sampling(sampling)
