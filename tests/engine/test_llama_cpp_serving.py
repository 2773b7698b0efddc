"""Several answers at once: what the llama.cpp engine keeps of its contract, and what it gains."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from contracts.engine_contract import FRUITS, TALE, DrawnContract, OpenEngine, ServingContract, ask
from engine_parts import LONG, Recorder, likeliest, next_turn

from persona.engine.llama_cpp import LlamaCppEngine
from persona.engine.protocol import Completion, Prompt, Sampling
from persona.engine.wording import PROBE
from persona.errors import EngineClosed, PromptTooLong
from store.records import Message

pytestmark = pytest.mark.base


@pytest.fixture(scope="module")
def several(starter_base):
    engine = LlamaCppEngine(starter_base, None, "r0", context=1024, parallel=3)
    yield engine
    engine.close()


class TestSeveralAtOnce(DrawnContract, ServingContract):
    @pytest.fixture
    def revision(self) -> str:
        return "r0"

    @pytest.fixture
    def engine(self, several) -> LlamaCppEngine:
        return several

    @pytest.fixture
    def fresh(self, starter_base) -> OpenEngine:
        return lambda: LlamaCppEngine(starter_base, None, "r0", context=512, parallel=2)


def test_answers_grow_side_by_side(several) -> None:
    """Three long answers are all under way before one of them has ended; a fourth one waits for a place."""
    began, ended = threading.Barrier(4, timeout=30), threading.Event()

    def read(_: int) -> None:
        for delta in several.stream(TALE, Sampling(max_tokens=200)):
            if delta.text and not ended.is_set():
                began.wait()
                ended.wait(30)  # nobody goes on before all three have said something
                return

    def fourth() -> str:
        return "".join(delta.text for delta in several.stream(FRUITS, Sampling(max_tokens=4)))

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read, number) for number in range(3)]
        began.wait()
        waiting = pool.submit(fourth)
        time.sleep(0.2)
        was_waiting = not waiting.done()
        ended.set()
        for reader in readers:
            reader.result()
        said = waiting.result(30)

    assert was_waiting
    assert said


@pytest.fixture
def recorder(starter_base):
    engine = LlamaCppEngine(starter_base, None, "r0", context=2048, parallel=2)
    yield Recorder(engine)
    engine.close()


SYSTEM = Message(role="system", content="You are asked for the same thing over and over.")
TALKS = {
    "a long one and a short one": [ask(LONG + "What is the colour of grass?"), ask("Count the stars. " * 20)],
    "with one system prompt": [ask("Count the stars. " * 20, SYSTEM), ask("Name the winds. " * 20, SYSTEM)],
    "more talks than slots": [
        ask(f"{thing}, tell me a tale of them. " * 9) for thing in ("Bees", "Cats", "Elk")
    ],
}


@pytest.mark.parametrize("talks", TALKS.values(), ids=TALKS)
def test_talks_that_go_on_are_not_computed_again(recorder, talks) -> None:
    """Talks in turn: each turn computes what is new in it, not the history."""
    talks = list(talks)
    reused: list[tuple[int, int]] = []
    for _ in range(2):
        for place, prompt in enumerate(talks):
            (answer,) = recorder.engine.complete([prompt], Sampling(max_tokens=8))
            reused.append((recorder.reused, answer.prompt_tokens))
            talks[place] = next_turn(prompt, answer.message.content)

    first, second = reused[: len(talks)], reused[len(talks) :]
    for (kept, _), (_, before) in zip(second, first, strict=True):
        assert before - 4 <= kept


def test_a_talk_outlives_an_answer_beside_it(recorder) -> None:
    """What was begun while another talk was answered goes on from where it was, and so does the other."""
    one, other = TALKS["with one system prompt"]
    stream = recorder.engine.stream(one, Sampling(max_tokens=24))
    said = [next(stream)]
    (beside,) = recorder.engine.complete([other], Sampling(max_tokens=4))
    said += list(stream)
    whole = said[-1].completion
    assert whole is not None

    reused = []
    for prompt, answer in ((other, beside), (one, whole)):
        recorder.engine.complete([next_turn(prompt, answer.message.content)], Sampling(max_tokens=1))
        reused.append(recorder.reused)

    assert beside.prompt_tokens - 4 <= reused[0]
    assert whole.prompt_tokens - 4 <= reused[1]


def test_what_the_base_alone_computed_is_not_used_again(starter_base, lora_gguf) -> None:
    """A prompt that begins like the text which shows whether the adapter applies is computed with it."""
    engine = LlamaCppEngine(starter_base, lora_gguf, "rev-lora", context=512, parallel=2)
    try:
        tokens = engine._wording.encode(PROBE + " fine, and")
        new = likeliest(engine, tokens, 8)
        assert engine.adapter_effect() > 0

        again = likeliest(engine, tokens, 8, known=True)
    finally:
        engine.close()

    assert new.keys() == again.keys()
    moved = max(abs(new[token] - again[token]) for token in new)
    assert moved < 0.02  # the adapter moves them by 0.05 and more


def test_an_adapter_is_seen_while_others_answer(starter_base, lora_gguf) -> None:
    """Looking whether the adapter applies waits for the answers that run, and does not disturb them."""
    engine = LlamaCppEngine(starter_base, lora_gguf, "rev-lora", context=512, parallel=2)
    try:
        stream = engine.stream(TALE, Sampling(max_tokens=24))
        said = [next(stream)]
        with ThreadPoolExecutor(1) as pool:
            effect = pool.submit(engine.adapter_effect)
            said += list(stream)

            assert effect.result(30) > 0
    finally:
        engine.close()

    assert said[-1].completion is not None
    assert 24 == said[-1].completion.completion_tokens


def test_closing_ends_all_that_run(starter_base) -> None:
    """Everybody who reads an answer of an engine that is closed is told, and so is who waited."""
    engine = LlamaCppEngine(starter_base, None, "r0", context=1024, parallel=2)
    streams = [engine.stream(TALE, Sampling(max_tokens=900)) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:

        def read(stream) -> str:
            try:
                return "".join(delta.text for delta in stream)
            except EngineClosed:
                return "closed"

        reading = [pool.submit(read, stream) for stream in streams]
        time.sleep(0.5)
        engine.close()

        assert ["closed"] * 3 == [each.result(10) for each in reading]


def test_each_may_use_the_whole_context(several) -> None:
    """One prompt that is nearly as long as the context is answered while the other places are idle."""
    words = Prompt(messages=(ask("apple " * 900).messages[0],))
    (answer,) = several.complete([words], Sampling(max_tokens=4))

    assert answer.prompt_tokens > 900
    assert 1 <= answer.completion_tokens <= 4  # so many apples may leave the model without a word
    with pytest.raises(PromptTooLong):
        several.complete([ask("apple " * 1100)], Sampling(max_tokens=4))


AGENT = Sampling(max_tokens=32_000)  # what agents ask for


@pytest.fixture
def endless(starter_base, monkeypatch):
    """An engine whose answers end by their length only; each is sure of 80 tokens."""
    monkeypatch.setattr("persona.engine.length.AHEAD", 32)
    engine = LlamaCppEngine(starter_base, None, "r0", context=320, parallel=2)
    generate = engine._server.generate
    engine._server.generate = lambda request, on_chunk: generate({**request, "ignore_eos": True}, on_chunk)
    yield engine
    engine.close()


def ended(stream) -> Completion:
    completion = list(stream)[-1].completion
    assert completion is not None
    return completion


def answering() -> int:
    return sum(thread.name == "persona-answer" for thread in threading.enumerate())


def test_an_agents_request_leaves_room_for_others(several) -> None:
    """Who asks for more than the context has keeps nobody who asks for as much from an answer."""
    stream = several.stream(TALE, AGENT)
    next(stream)
    (beside,) = several.complete([FRUITS], AGENT)
    under_way = several._turns._taken
    stream.close()

    assert "stop" == beside.finish_reason
    assert 1 == under_way


def test_an_answer_alone_grows_to_the_end_of_the_context(endless) -> None:
    """It takes the room that nobody else wants."""
    (answer,) = endless.complete([TALE], AGENT)

    assert "length" == answer.finish_reason
    assert 318 <= answer.prompt_tokens + answer.completion_tokens <= 320


def test_company_ends_an_answer_by_its_length_and_never_breaks_it(endless) -> None:
    """The one that finds the context full has had what it is sure of and says that its length ended it; the
    other one goes on into the room that this leaves.
    """
    streams = [endless.stream(prompt, AGENT) for prompt in (TALE, FRUITS)]
    for stream in streams:
        next(stream)
    together = endless._turns._taken
    answers = [ended(stream) for stream in streams]
    again = endless.complete([TALE], Sampling(max_tokens=4))

    assert 2 == together
    assert ["length"] * 2 == [answer.finish_reason for answer in answers]
    shorter, longer = sorted(answer.completion_tokens for answer in answers)
    assert 80 <= shorter < 200 < longer
    assert 4 == again[0].completion_tokens


def test_who_leaves_while_waiting_leaves_no_thread(endless) -> None:
    """Streams that are closed before their turn are out of the line at once, though nobody else leaves."""
    before = answering()
    with endless._turns.alone():
        streams = [endless.stream(FRUITS, AGENT) for _ in range(4)]
        for stream in streams:
            next(stream)
        in_line = answering() - before
        for stream in streams:
            stream.close()
        deadline = time.monotonic() + 2
        while answering() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        left = answering() - before

    assert (4, 0) == (in_line, left)


def test_closing_tells_those_who_wait(starter_base) -> None:
    """At once, and not when those who answer have ended."""
    engine = LlamaCppEngine(starter_base, None, "r0", context=320, parallel=2)
    with ThreadPoolExecutor(2) as pool:
        with engine._turns.alone():
            waiting = pool.submit(lambda: ended(engine.stream(FRUITS, AGENT)))
            time.sleep(0.2)
            closing = pool.submit(engine.close)

            assert isinstance(waiting.exception(5), EngineClosed)
        closing.result(10)
