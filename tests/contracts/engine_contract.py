"""What every engine promises: one suite, run against the scripted engine and the real ones.

ServingContract holds for all; EngineContract adds what an engine that judges has to keep, and one that
computes several answers together cannot: greedy answers that never depend on their company.

A subclass gives `engine` (shared by its tests, never closed by them), `fresh` (a function that opens another
one like it; the test closes it) and `revision`, what both were opened with.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from persona.engine.protocol import Delta, Engine, Prompt, Sampling
from persona.errors import EngineClosed, EngineError
from store.records import Message

OpenEngine = Callable[[], Engine]

SHORT = Sampling(max_tokens=6)
SEEDS = [Sampling(max_tokens=8, temperature=1.0, top_p=0.9, top_k=40, seed=seed) for seed in range(5)]


def ask(text: str, *before: Message) -> Prompt:
    return Prompt(messages=(*before, Message(role="user", content=text)))


FRUITS = ask("Name three fruits.")  # answered in a few words and an end
TALE = ask("Tell me a very long tale about a lighthouse.")  # answered for as long as it may
LOOP = ask("Write the word no a hundred times: no no no no no no")  # answered by no and nothing else
SEVERAL = [FRUITS, TALE, ask("What is the capital of France?")]


def texts(engine: Engine, prompts: list[Prompt], sampling: Sampling) -> list[str]:
    return [answer.text for answer in engine.complete(prompts, sampling)]


def joined(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


class ServingContract:
    """Subclasses are named Test…, so that this class is not collected by itself."""

    def test_is_an_engine_and_names_its_revision(self, engine: Engine, revision: str) -> None:
        """An engine fits the protocol and says which revision answers."""
        assert isinstance(engine, Engine)
        assert revision == engine.revision

    def test_one_completion_per_prompt_in_order(self, engine: Engine) -> None:
        """Several prompts get an answer each, in the order in which they were asked."""
        lengths = [engine.count(prompt) for prompt in SEVERAL]

        assert lengths == [answer.prompt_tokens for answer in engine.complete(SEVERAL, SHORT)]
        assert len(set(lengths)) == len(SEVERAL)

    def test_no_prompts_no_answers(self, engine: Engine) -> None:
        """Nothing asked is nothing answered."""
        assert [] == engine.complete([], SHORT)

    def test_max_tokens_is_a_limit(self, engine: Engine) -> None:
        """An answer that is cut says so, and is no longer than asked."""
        answer = engine.complete([TALE], Sampling(max_tokens=5))[0]

        assert "length" == answer.finish_reason
        assert 5 == answer.completion_tokens

    def test_an_answer_ends_by_itself(self, engine: Engine) -> None:
        """A finished answer says "stop" and has no control token in it."""
        answer = engine.complete([FRUITS], Sampling(max_tokens=64))[0]

        assert "stop" == answer.finish_reason
        assert 0 < answer.completion_tokens < 64
        assert "<|" not in answer.text
        assert answer.prompt_tokens > 0
        assert answer.seconds >= 0

    def test_counts_a_prompt_as_it_will_be_read(self, engine: Engine) -> None:
        """A count is what an answer reports as the prompt's tokens, and a prompt of any length has one."""
        answer = engine.complete([FRUITS], Sampling(max_tokens=1))[0]

        assert answer.prompt_tokens == engine.count(FRUITS)
        assert engine.count(ask("word " * 20_000)) >= 20_000

    def test_the_message_is_the_text_as_read(self, engine: Engine) -> None:
        """The message is the assistant's, with the text's content."""
        answer = engine.complete([FRUITS], SHORT)[0]

        assert Message(role="assistant", content=answer.text) == answer.message

    def test_stop_strings_end_an_answer_and_are_not_in_it(self, engine: Engine) -> None:
        """The first stop string ends the answer, streamed or not."""
        sampling = Sampling(max_tokens=12, stop=("never written", " "))

        answer = engine.complete([TALE], sampling)[0]
        *pieces, last = engine.stream(TALE, sampling)

        assert last.completion is not None
        for text, finish in (
            (answer.text, answer.finish_reason),
            (joined(pieces), last.completion.finish_reason),
        ):
            assert text
            assert " " not in text
            assert "stop" == finish

    def test_a_stream_is_the_answer_in_pieces(self, engine: Engine) -> None:
        """The pieces, put together, are the text; the last delta carries the completion and no text.

        However many come together, they are as many as there are tokens where none is part of a character.
        """
        *pieces, last = engine.stream(TALE, SHORT)

        assert last.completion is not None
        assert "" == last.text
        assert joined(pieces) == last.completion.text
        assert "length" == last.completion.finish_reason
        assert SHORT.max_tokens == last.completion.completion_tokens == sum(piece.pieces for piece in pieces)
        assert sum(bool(piece.text) for piece in pieces) > 1
        assert all(piece.completion is None for piece in pieces)

    def test_closing_a_stream_frees_the_engine(self, engine: Engine) -> None:
        """After a stream is closed, the next answer does not wait for its end."""
        stream: Any = engine.stream(TALE, Sampling(max_tokens=4000))
        first = next(delta for delta in stream if delta.text)
        began = time.monotonic()
        stream.close()
        engine.complete([FRUITS], Sampling(max_tokens=1))

        assert first.completion is None
        assert time.monotonic() - began < 10  # 4000 tokens take minutes
        assert [] == list(stream)

    def test_sampling_is_heard_and_a_seed_repeats(self, engine: Engine) -> None:
        """A temperature, a nucleus and a seed are taken; the same seed gives the same answer.

        Of several answers computed together the last bits differ, and now and then another token is drawn.
        """
        once, again = ([texts(engine, [TALE], each) for each in SEEDS] for _ in range(2))

        assert sum(map(operator.eq, once, again)) > len(SEEDS) // 2

    @pytest.mark.parametrize(
        "sampling",
        [
            Sampling(max_tokens=0),
            Sampling(temperature=-1.0),
            Sampling(top_p=0.0),
            Sampling(top_k=-1),
            Sampling(stop=("",)),
            Sampling(min_p=1.5),
            Sampling(repeat_penalty=0.0),
            Sampling(frequency_penalty=float("nan")),
            Sampling(presence_penalty=11.0),
        ],
    )
    def test_a_request_without_meaning_is_refused(self, engine: Engine, sampling: Sampling) -> None:
        """What no answer could fit is an error, for whole answers and for streams."""
        with pytest.raises(EngineError):
            engine.complete([FRUITS], sampling)
        with pytest.raises(EngineError):
            list(engine.stream(FRUITS, sampling))

    def test_a_closed_engine_says_so(self, fresh: OpenEngine, revision: str) -> None:
        """Closing twice is fine; asking afterwards raises EngineClosed with the revision's name."""
        engine = fresh()
        engine.close()
        engine.close()

        with pytest.raises(EngineClosed, match=revision):
            engine.complete([FRUITS], SHORT)
        with pytest.raises(EngineClosed, match=revision):
            list(engine.stream(FRUITS, SHORT))
        with pytest.raises(EngineClosed, match=revision):
            engine.count(FRUITS)

    def test_closing_ends_a_running_answer(self, fresh: OpenEngine) -> None:
        """Who reads a stream of an engine that is closed is told, and not left waiting."""
        engine = fresh()
        stream = engine.stream(TALE, Sampling(max_tokens=4000))
        next(stream)
        engine.close()

        with pytest.raises(EngineClosed):
            list(stream)


class DrawnContract:
    """Of an engine that draws its words, which a scripted one does not."""

    def test_what_is_drawn_depends_on_the_seed(self, engine: Engine) -> None:
        """Hot, other seeds say other things."""
        hot = [Sampling(max_tokens=8, temperature=1.5, seed=seed) for seed in range(4)]

        assert len({texts(engine, [TALE], each)[0] for each in hot}) > 2

    def test_a_min_p_of_one_leaves_the_likeliest(self, engine: Engine) -> None:
        """However hot, nothing else is drawn."""
        greedy = texts(engine, [FRUITS], SHORT)
        hot = Sampling(max_tokens=6, temperature=2.0, min_p=1.0)

        assert [greedy] * 3 == [texts(engine, [FRUITS], hot) for _ in range(3)]

    @pytest.mark.parametrize(
        "penalty", [{"repeat_penalty": 5.0}, {"frequency_penalty": 5.0}, {"presence_penalty": 10.0}]
    )
    def test_penalties_keep_an_answer_from_repeating_itself(
        self, engine: Engine, penalty: dict[str, float]
    ) -> None:
        """Each of them by itself, in a greedy answer to a prompt that leads into a loop."""
        plain, held = (
            texts(engine, [LOOP], Sampling(max_tokens=24, **more))[0].split() for more in ({}, penalty)
        )

        assert max(map(plain.count, plain)) > 3
        assert max(map(held.count, held)) < 3


class EngineContract(ServingContract):
    """The whole of it."""

    def test_several_get_the_answers_that_each_gets_alone(self, engine: Engine) -> None:
        """Greedy answers do not depend on what is asked for in the same call."""
        alone = [texts(engine, [prompt], SHORT)[0] for prompt in SEVERAL]

        assert alone == texts(engine, SEVERAL, SHORT)
        assert len(set(alone)) > 1

    def test_an_answer_is_what_came_before_the_stop_string(self, engine: Engine) -> None:
        """A stop string within the answer cuts it there and changes nothing before it."""
        whole = texts(engine, [FRUITS], Sampling(max_tokens=12))[0]
        stop = whole[len(whole) // 2 : len(whole) // 2 + 3]
        sampling = Sampling(max_tokens=12, stop=("never written", stop))

        answer = engine.complete([FRUITS], sampling)[0]

        assert whole[: whole.index(stop)] == answer.text
        assert answer.text == joined(list(engine.stream(FRUITS, sampling)))

    def test_greedy_is_repeatable(self, engine: Engine) -> None:
        """Temperature 0 gives the same text again, whatever was asked in between."""
        first = texts(engine, [FRUITS], SHORT)
        engine.complete([ask("Name three animals.")], SHORT)

        assert first == texts(engine, [FRUITS], SHORT)

    def test_a_seed_repeats_to_the_letter(self, engine: Engine) -> None:
        """What was drawn once is drawn again."""
        once, again = ([texts(engine, [TALE], each) for each in SEEDS] for _ in range(2))

        assert once == again

    def test_a_stream_is_what_a_whole_answer_is(self, engine: Engine) -> None:
        """Streamed or not, the same text, end and number of tokens."""
        whole = engine.complete([TALE], SHORT)[0]
        *_, last = engine.stream(TALE, SHORT)

        assert last.completion is not None
        assert whole.text == last.completion.text
        assert whole.finish_reason == last.completion.finish_reason
        assert whole.completion_tokens == last.completion.completion_tokens

    def test_greedy_does_not_depend_on_others(self, engine: Engine) -> None:
        """Answers that are asked for at once, by several threads, are those of one after the other."""
        one_by_one = texts(engine, SEVERAL, SHORT)
        with ThreadPoolExecutor(len(SEVERAL)) as pool:
            at_once = list(pool.map(lambda prompt: texts(engine, [prompt], SHORT)[0], SEVERAL))

        assert one_by_one == at_once

    def test_a_new_engine_answers_the_same(self, engine: Engine, fresh: OpenEngine) -> None:
        """What an engine has been asked before leaves nothing behind: a cold one gives the same answers."""
        asked = texts(engine, SEVERAL, SHORT)
        cold = fresh()
        try:
            assert asked == texts(cold, SEVERAL, SHORT)
        finally:
            cold.close()
