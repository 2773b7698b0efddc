"""What ordinary use shows, and what it does not."""

from __future__ import annotations

import pytest
from exchange_parts import (
    ANSWER,
    FACTS,
    REQUEST,
    TURNS,
    answered,
    by_rules,
    call,
    exchange,
    found,
    replied,
    replying,
    returned,
    said,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.distill.detectors import Exchange, detect
from persona.distill.detectors.outcomes import outcome
from persona.distill.detectors.own_words import own_sentences
from persona.distill.detectors.statements import statements
from store.records import Message, Origin

LANGUAGES = sorted(TURNS["corrections"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_see_a_correction(language: str) -> None:
    """Shorter, in metric, use rg, wrong, not what I asked: the next message takes the answer back."""
    replies = TURNS["corrections"][language]
    assert [] == [reply for reply in replies if "follow_up" not in by_rules(replying(reply))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_most_of_these_are_corrections_to_the_judge(language: str) -> None:
    """Even without an answer that they fit: four of five, in every language."""
    replies = TURNS["corrections"][language]
    assert sum("follow_up" in replied(reply) for reply in replies) >= 0.8 * len(replies)


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_replies_are_no_corrections_to_rules(language: str) -> None:
    """Thanks, next questions and new tasks that have words of a correction in them."""
    wrong = [
        (reply, detectors)
        for reply in TURNS["no_corrections"][language]
        if (detectors := by_rules(replying(reply)) - {"thanks", "restated"})
    ]
    assert [] == wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_replies_are_seldom_corrections_to_the_judge(language: str) -> None:
    """Most of them are requests that have nothing to do with the answer."""
    replies = TURNS["no_corrections"][language]
    assert sum("follow_up" in replied(reply) for reply in replies) <= 0.06 * len(replies)


@pytest.mark.parametrize("language", LANGUAGES)
def test_thanks_are_seen(language: str) -> None:
    """Thanks and praise, also with a new question behind them."""
    assert [] == [reply for reply in TURNS["thanks"][language] if "thanks" not in replied(reply)]


def test_what_only_looks_like_thanks_is_none() -> None:
    """A refusal, a task about thanks, thanks with a but."""
    assert [] == [reply for reply in TURNS["others"]["no_thanks"] if "thanks" in replied(reply)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_lasting_wish_is_stated(language: str) -> None:
    """A sentence that begins with the wish, and is no correction by itself."""
    for reply in TURNS["stated"][language]:
        assert {"stated_in_chat"} == replied(reply) - {"thanks"}, reply


def test_what_only_looks_like_a_lasting_wish_is_none() -> None:
    """Questions, reports, songs and habits of the user's own."""
    assert [] == [reply for reply in TURNS["others"]["not_stated"] if "stated_in_chat" in replied(reply)]


def test_a_wish_in_the_first_message_is_stated_once() -> None:
    """It belongs to the talk's first answer; later answers do not say it again."""
    first = exchange(prompt=(said("Always answer in metric. How far is Rome?"),))
    assert {"stated_in_chat"} == found(first)
    later = exchange(prompt=(said("Always answer in metric. How far?"), answered("Far."), said("And Bari?")))
    assert set() == found(later)


def _stated_in_requests(requests: list[str]) -> list[str]:
    """Those in which a wish is stated, whether or not the talk went on."""
    went_on = (said("ok, and more?"), answered("Well."))
    stating = []
    for request in requests:
        first = (said(request),)
        heard = ["stated_in_chat" in found(exchange(*later, prompt=first)) for later in ((), went_on)]
        assert heard[0] == heard[1], request
        stating += [request] * heard[0]
    return stating


def test_a_wish_beside_an_ordinary_request_is_stated() -> None:
    """Also where “from now on” begins a message that asks about a text."""
    requests = TURNS["others"]["stated_in_requests"]
    assert requests == _stated_in_requests(requests)


def test_what_a_request_is_about_is_no_wish() -> None:
    """Texts to be worked on, asked about or told of, and the rules of a play."""
    assert [] == _stated_in_requests(TURNS["others"]["not_stated_in_requests"])


def test_a_no_to_a_question_of_the_answer_is_no_correction() -> None:
    """Who declines an offer or answers a question does not take the answer back; who says more does."""
    offer = "It is 12 miles. Would you like directions?"
    assert set() == replied("No.", offer)
    assert set() == replied("No, just the distance was fine.", offer) & {"thanks"}
    assert {"follow_up"} == replied("No, in kilometres please.", offer)
    assert {"follow_up"} == replied("I meant in kilometres.", offer)
    assert set() == replied("I meant the one in Maine.", "Which Portland do you mean?")
    assert {"follow_up"} == replied("No.", "It is 12 miles.")


def test_the_first_thing_said_counts() -> None:
    """Behind a new request, words of a correction are about the new request."""
    assert set() == replied("Write one for my boss. Make it more formal.")
    assert {"follow_up"} == by_rules(replying("Thanks! Make it more formal."))


def test_a_correction_quotes_the_user() -> None:
    """The span is the user's own text; what goes on behind it is not quoted."""
    asked, grep = said("Find all TODOs in the sources"), answered("grep -rn TODO src")
    reply = said("No, use rg!  What is the time?")
    (finding,) = detect(exchange(reply, answered("10:00"), prompt=(asked,), completion=grep))
    assert ("No, use rg!", 0) == (finding.span, finding.place)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("How do I undo the last commit?", "how can I undo my last commit", True),
        ("What is the boiling point of water on Everest?", "boiling point of water on mount Everest", True),
        ("Mein Drucker druckt weiße Seiten", "Warum kommen aus meinem Drucker leere weiße Seiten?", True),
        ("Wie lösche ich den letzten Commit?", "Ich frage: wie kann ich den letzten Commit löschen", True),
        ("How do I undo the last commit?", "How do I undo the last merge?", False),
        ("Weather in Oslo?", "Weather in Rome?", False),
        ("Convert 15 miles to km", "Convert 16 miles to km", False),
        ("Tell me about sloops", "Tell me about the sails of sloops and schooners in wartime", False),
        ("hi", "hi there", False),
    ],
)
def test_asking_for_the_same_again_is_seen(before: str, after: str, expected: bool) -> None:
    """Other words around the same content; another name, number or content word is another request."""
    detectors = found(exchange(said(after), answered("..."), prompt=(said(before),)))
    assert expected == ("restated" in detectors)


def test_rewording_what_the_answer_asked_for_is_no_restatement() -> None:
    """The user was asked to."""
    asked = answered("Could you say that again?")
    reply = said("what about sloops and their history")
    assert set() == found(exchange(reply, completion=asked))


def test_retrying_is_seen() -> None:
    """The same words, “try again”, another completion of the same prompt, another one right behind it."""
    for reply in (
        REQUEST,
        REQUEST.lower().strip("."),
        "try again",
        "Nochmal bitte.",
        "regenerate",
        "otra vez",
    ):
        assert {"retried"} == found(exchange(said(reply), answered("..."))), reply
    assert {"retried"} == found(exchange(others=(answered("Another."),)))
    assert {"retried"} == found(exchange(answered("Another.")))
    assert "retried" not in found(exchange(said("Try the other one again?"), answered("...")))


def test_giving_up_is_seen() -> None:
    """In words, by leaving on a correction, or when the correction brought the same answer again."""
    words = ("never mind", "Forget it, I'll do it myself.", "Vergiss es.", "laisse tomber", "déjalo")
    for reply in words:
        assert {"abandoned"} == found(exchange(said(reply), answered("Sorry."))), reply
    assert {"follow_up", "abandoned"} == found(exchange(said("No, shorter.")))
    corrected = (said(REQUEST), answered(ANSWER), said("No, in German please."))
    assert {"abandoned"} == found(exchange(prompt=corrected))
    assert set() == found(exchange(prompt=corrected, completion=answered("Eine Slup hat einen Mast.")))
    assert set() == found(exchange())


LONG = (
    "A sloop carries one mast, a mainsail and a single headsail set on the forestay, and needs a small crew."
)


def test_taking_over_a_span_of_the_answer_is_seen() -> None:
    """Quoted in any later message of the user, or kept by an edit; not in a complaint, not what was asked."""
    reply = said("So: “one mast, a mainsail and a single headsail set on the forestay” is for the label. Ok?")
    completion = answered(LONG)
    (finding,) = detect(exchange(reply, answered("Yes."), completion=completion))
    assert "one mast a mainsail and a single headsail set on the forestay" == finding.span
    assert {"adopted"} == found(
        exchange(said("Hm?"), answered("Yes."), reply, answered("Ok."), completion=completion)
    )
    assert {"adopted"} == found(exchange(edits=(answered(f"{LONG} Ahoy!"),), completion=completion))
    assert set() == found(exchange(edits=(answered("One mast."),), completion=completion))
    complaint = said(f"That's wrong: “{LONG}”")
    assert "adopted" not in found(exchange(complaint, answered("Sorry."), completion=completion))
    assert set() == found(
        exchange(reply, answered("Yes."), prompt=(said(f"Mend: {LONG}"),), completion=completion)
    )


def test_a_late_complaint_about_the_answer_does_not_take_it_over() -> None:
    """Whenever it comes; a complaint about another answer in between takes nothing away."""
    history = said("Tell me about the bridge.")
    completion = answered("The bridge was built by Roman engineers under Trajan, and mended twice.")

    def later(*messages: Message) -> set[str]:
        between = (said("ok, and the tower?"), answered("It is from 1300 and has four floors."))
        return found(exchange(*between, *messages, prompt=(history,), completion=completion))

    false = said("You said the bridge was built by Roman engineers under Trajan, that is false.")
    label = said("So: the bridge was built by Roman engineers under Trajan. I will print that.")
    assert set() == later(false, answered("Sorry."))
    assert {"adopted"} == later(label, answered("Good."))
    assert {"adopted"} == later(said("No, shorter."), answered("From 1300."), label, answered("Good."))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ('{"temperature": 12}', "ok"),
        ("src/main.py:3: error handling", "ok"),
        ('[{"error": "no"}]', "ok"),
        ('{"error": null, "results": [1]}', "ok"),
        ("", "empty"),
        ("[]", "empty"),
        ("No results found.", "empty"),
        ('{"results": []}', "empty"),
        ("Error: unknown city", "error"),
        ("Traceback (most recent call last):\n  File x", "error"),
        ('{"error": "timeout"}', "error"),
        ('{"ok": false}', "error"),
        ('{"status": 404}', "error"),
        ("bash: rg: command not found", "error"),
        ('{"exit_code": 2, "stdout": ""}', "error"),
        ("{" * 5000, "ok"),
        ("[" * 200000, "ok"),
    ],
)
def test_a_result_tells_how_its_call_ended(result: str, expected: str) -> None:
    """From its form and its first words; prose about errors is no error."""
    assert expected == outcome(result)


def test_calls_are_followed_to_their_end() -> None:
    """Clean and let stand; failed; failed and put right by the next call; spoken against before it ran."""
    made = answered("", call("search", query="sloop"))
    mended = answered("", call("search", query="sloops"))
    clean, error = returned('{"hits": [1]}'), returned("Error: no such index")
    assert {"tool_ok", "call_accepted"} == found(
        exchange(clean, answered("Found."), said("What does it say?"), completion=made)
    )
    assert {"tool_error"} == found(exchange(error, answered("Hm."), said("Oh?"), completion=made))
    assert {"tool_ok", "tool_fixed"} == found(
        exchange(clean, prompt=(said(REQUEST), made, error), completion=mended)
    )
    assert {"tool_ok"} == found(exchange(clean, prompt=(said(REQUEST), made, error), completion=made))
    assert {"tool_ok"} == found(
        exchange(clean, answered("Found."), said("No, use the index of ships."), completion=made)
    )
    refused = found(exchange(said("Don't search, you know that."), completion=made))
    assert {"call_refused"} == refused - {"follow_up", "abandoned"}


@pytest.mark.parametrize(
    ("request_", "agreeing", "against"),
    [
        (
            "Find out who built the sloop.",
            ["Perfect, thanks!", "Thanks! And what about schooners?", "👍", "yes", "Yes, go ahead.", "Ok."],
            ["No thanks.", "thanks, but no", "ok, but use the index", "fine, don't", "Ok stop"],
        ),
        ("Finde heraus, wer das Schiff gebaut hat.", ["Danke, perfekt!", "Ja, mach das."], ["Nein danke."]),
        ("Cherche qui a construit le bateau.", ["Merci !", "oui, vas-y"], ["Non merci."]),
    ],
)
def test_who_thanks_for_a_call_or_lets_it_run_refuses_nothing(
    request_: str, agreeing: list[str], against: list[str]
) -> None:
    """A client may record no result; then the user speaks right behind the call."""
    made, asked = answered("", call("search", query="sloop")), (said(request_),)

    def refuse(replies: list[str]) -> list[str]:
        heard = [
            (reply, exchange(said(reply), answered("Well."), prompt=asked, completion=made))
            for reply in replies
        ]
        return [reply for reply, one in heard if "call_refused" in found(one)]

    assert [] == refuse(agreeing)
    assert against == refuse(against)


anything = st.text(max_size=300) | st.sampled_from(
    [reply for part in TURNS.values() for replies in part.values() for reply in replies]
)


@settings(max_examples=60, deadline=None)
@given(request=anything, answer=anything, reply=anything, later=anything)
def test_no_text_makes_a_detector_raise(request: str, answer: str, reply: str, later: str) -> None:
    """Whatever is said, by whomever."""
    given_exchange = exchange(
        returned(later),
        said(reply),
        answered(later),
        prompt=(said(request),),
        completion=answered(answer),
    )
    for finding in detect(given_exchange):
        assert finding.place is None or finding.place < len(given_exchange.after)


@settings(max_examples=60, deadline=None)
@given(words=st.lists(anything, min_size=4, max_size=4), origin=st.sampled_from(list(Origin)))
def test_words_of_others_are_never_read(words: list[str], origin: Origin) -> None:
    """Models, tools, clients, and who speaks in the user's place: nothing that they write makes a label."""
    system, answer, result, last = words
    stranger = said(last, Origin.TOOL if origin is Origin.USER else origin)
    made = answered(answer, call("search", query="x"))
    why = (said("Why is the sky blue?"),)
    for given_exchange in (
        exchange(stranger, answered(last), prompt=why, completion=answered(answer)),
        exchange(returned(result), answered(last), said("And at night?"), completion=made),
        exchange(
            returned(result),
            prompt=(stranger, *why, answered(system), stranger),
            completion=made,
        ),
    ):
        assert found(given_exchange) <= FACTS


def test_ten_thousand_turns_take_seconds() -> None:
    """Detection is a small part of a night: thousands of different replies a few seconds."""
    import time

    replies = [reply for part in TURNS.values() for texts in part.values() for reply in texts]
    found(exchange(said("warm up: no, nein, non")))
    began = time.process_time()
    for number in range(400):
        detect(exchange(said(f"{replies[number % len(replies)]} {number}"), answered("...")))
    assert time.process_time() - began < 2


def test_an_exchange_knows_what_the_user_said() -> None:
    """A message in the user's role that somebody else wrote is nobody's reply."""
    given_exchange: Exchange = exchange(said("x", Origin.CLIENT), said("y"), answered("z"), said("late"))
    assert [(1, said("y"))] == given_exchange.replies()
    assert exchange(prompt=(said("x", Origin.TOOL),)).request() is None


@pytest.mark.parametrize(
    ("lasting", "errand"),
    [
        ("Remember that I prefer short answers.", "Remember that I must pay the rent."),
        ("Remember to always answer in French.", "Remember to buy milk."),
        ("Please remember that I am left-handed.", "Remember, I've got to call my mother."),
        ("Merk dir, dass ich Vegetarier bin.", "Merk dir, dass ich die Miete zahlen muss."),
        ("Souviens-toi que je suis végétarien.", "Souviens-toi que je dois payer le loyer."),
        ("Recuerda que soy vegetariano.", "Recuerda que tengo que pagar el alquiler."),
        ("Ricordati di rispondere sempre in italiano.", "Ricordati di comprare il latte."),
        ("Lembre-se de responder sempre em português.", "Lembre-se de comprar leite."),
    ],
)
def test_an_errand_to_be_noted_is_no_preference(lasting: str, errand: str) -> None:
    """What one is to be reminded of ends with one request, however it is said."""
    assert [lasting] == [each.raw for each in statements(own_sentences(lasting))]
    assert [] == list(statements(own_sentences(errand)))
