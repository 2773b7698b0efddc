"""Objections without a telling word, told by their form and by what they share with answer and request."""

from __future__ import annotations

import pytest
from exchange_parts import answered, by_rules, call, exchange, found, replied, returned, said

from persona.distill.detectors.before import before
from store.records import Origin


def after(request: str, answer: str, reply: str) -> set[str]:
    """What rules find when the user replies so to this answer to this request."""
    return by_rules(
        exchange(
            said(reply), answered("Well."), said("And?"), prompt=(said(request),), completion=answered(answer)
        )
    )


@pytest.mark.parametrize(
    ("request_", "answer", "reply"),
    [
        ("Write a regex for postcodes.", "^[A-Z]{4}$", "it crashes on the first one"),
        ("Install it.", "npm install x", "pnpm, not npm"),
        ("Write a card for Anna.", "Congratulations on your wedding!", "it's her birthday, not her wedding"),
        ("Write to me.", "Dear Samuel, hello.", "call me Sam, not Samuel"),
        ("Write a card to me.", "Dear John, all the best.", "My name is Jon, not John."),
        ("How do I run it?", "pip run app", "run it with uv, not pip"),
        ("¿Qué significa banco?", "El banco guarda dinero.", "Hablo del río, no del banco."),
        ("What is 2^12?", "2^12 = 4000", "4096 surely"),
        ("Chi ha scritto il Decameron?", "Dante Alighieri.", "Boccaccio semmai"),
        ("How old was he?", "He was 45.", "35, no?"),
        ("What is 18 * 22?", "18 * 22 = 386", "396"),
        ("Name three rivers.", "Rhine, Elbe, Oder, Main", "that's 4"),
        ("Nomme deux fleuves.", "La Seine, la Loire, le Rhône", "y en a trois là"),
        ("Write a haiku in three lines.", "Rain. Rain. Rain. Rain.", "three"),
        ("What time is it in Oslo?", "In Oslo 7 pm, in London 6 pm.", "just oslo"),
        ("Scrivi gli auguri per una collega", "Ti amo, tesoro mio!", "è una collega 😅"),
        ("A menu for my gym, please.", "Start with cake.", "cake for a gym?"),
        ("Write it in passive: he ate it", "He was eating it.", "this is still active"),
        ("Invite the neighbours.", "Esteemed residents, you are invited.", "nobody talks like that"),
        ("Which river is in Hannover?", "The Weser.", "the Leine, not the Weser"),
        ("Wo fließt die Leine?", "Durch Bremen.", "94 km sind doch keine kurze Strecke"),
        ("Plan a trip, we hate museums.", "Two museums and a walk.", "Two museums? We hate museums."),
        ("Remind me at 6", "I remind you in the morning.", "evening obviously"),
        ("Write an intro for a nurse.", "I am a doctor.", "nurse!"),
        ("Who painted it?", "Leonardo da Vinci.", "wasn't it Botticelli?"),
        ("What is the capital of Australia?", "The capital is Sydney.", "it's Canberra"),
        ("Write a tweet.", "We are thrilled to announce it!", "less hype"),
        ("Write a card.", "Have a day of joy and laughter!", "a bit cheesy"),
        ("Write a card.", "Have a day of joy and laughter!", "I'd leave out the laughter"),
        ("Shorten the contract.", "The contract, which is long, says …", "that's longer than the contract"),
        ("Écris un titre.", "Les abeilles", "on dirait un manuel"),
        ("Écris un titre.", "Les abeilles", "tu as oublié le sous-titre"),
        ("Traduci in tedesco: ciao", "Bonjour", "questo è francese"),
        ("Como faço um backup do postgres?", "Usa mysqldump.", "isso é para MySQL"),
        ("Dame ideas para mi abuelo", "Un patinete", "pero si eso es peligroso"),
    ],
)
def test_an_objection_is_told_by_its_form(request_: str, answer: str, reply: str) -> None:
    """Pointing, contrasting, insisting, echoing, asking back, another manner, an order about the answer."""
    assert "follow_up" in after(request_, answer, reply)


@pytest.mark.parametrize(
    ("request_", "answer", "reply"),
    [
        ("Shorten my text.", "I go to the store.", "Perfect, not too long"),
        ("Shorten my text.", "I go to the store.", "much better, shorter is nicer"),
        ("Kürze den Text.", "Ich kaufe Brot.", "so wollte ich es"),
        ("Acorta el texto.", "Voy a la tienda.", "más corto es mejor, sí"),
        ("How many moons has Mars?", "Two: Phobos and Deimos.", "that's less than Jupiter"),
        ("How many moons has Mars?", "Two: Phobos and Deimos.", "never heard of Deimos"),
        ("Name three fonts.", "1. Inter 2. Lora 3. Fira Code", "let's go with Inter"),
        ("Say it in Spanish.", "Hola", "and in Portuguese"),
        ("Tell me a fact.", "Bees dance.", "you're kidding"),
        ("When is it open?", "From 10 to 14 on Saturday.", "not open sundays i assume"),
        ("How many calories are in an egg?", "About 78.", "so 2 is 156, not nothing"),
        ("Can I use water?", "Yes, 300 ml of water.", "not sweet, does that work too"),
        ("What is 15% of 80?", "15% of 80 is 12.", "whats 12 then instead of 15"),
        ("Chi ha scritto il Decameron?", "Boccaccio.", "in che anno"),
        ("How do I leave the list?", "Click on unsubscribe.", "doesn't that tell them my address"),
        ("Who leads it?", "Linda leads it.", "wasn't it Jack before? when did he leave"),
        ("Ideas for old bread", "Arme Ritter", "arme ritter kenn ich nicht süß"),
        ("¿Qué veo?", "El Thyssen.", "el thyssen ya lo vi, no entero"),
        ("Who fixed it?", "A plumber.", "wrong floor but great neighbours helped me"),
        ("Is it worth it?", "Probably not.", "That's kind of what I feared."),
        ("What has kale got?", "Vitamin C.", "more vitamin c than oranges?"),
        ("Ab wann darf er hin?", "Nach 24 Stunden.", "Ich meine, er hat nur 38."),
        ("How far is it?", "It is 12 km.", "15 minutes by car then"),
        ("Plan a dinner for 6.", "Soup, fish, cake.", "and one more idea for 8"),
        ("What is the fine?", "About 40 euros.", "cheap, no?"),
        ("Tell me a fact.", "Bees dance.", "not very nice of them :)"),
    ],
)
def test_comment_choice_and_praise_are_no_objections(request_: str, answer: str, reply: str) -> None:
    """Words of a correction in praise, about the world, in a choice among what was offered."""
    assert "follow_up" not in after(request_, answer, reply)


def test_the_same_words_object_to_a_text_and_comment_on_the_world() -> None:
    """A bit dull: about a text that was ordered; after a question it may be the thing that is so."""
    assert "follow_up" in after("Write a title.", "The history of law", "a bit dull")
    assert "follow_up" not in after("How is Leeds?", "It has parks and pubs.", "a bit dull")


def test_an_answer_to_a_question_is_no_objection() -> None:
    """Also where choices follow the question; an offer is declined, with a question mark or without."""
    assert set() == replied("it doesn't work", "What happens when you press it?")
    assert set() == replied("Napoli, not Roma", "Which one do you mean?\n1. Roma\n2. Napoli") - {"follow_up"}
    assert set() == replied("No, just curious", "It has one mast. Let me know if you want to see it.")
    assert "follow_up" in replied("No, just curious", "It has one mast.")


def test_in_a_play_the_words_are_part_of_it() -> None:
    """Until it is left: what is said to the waiter or to be translated is no correction and no thanks."""
    play = said("Let's play: you are the waiter, I'm the guest.")
    soup, reply = answered("Your soup, sir."), said("That's wrong! I ordered fish.")
    assert set() == found(exchange(reply, answered("Sorry."), prompt=(play,), completion=soup))
    dictated = said("Translate everything I send into German.")
    for text in ("Shorter, please.", "Thank you!", "Never use metric units.", "never mind"):
        assert set() == found(exchange(said(text), answered("..."), prompt=(dictated,), completion=soup))
    left = said("Stop the game. Your answers are too polite.")
    assert "follow_up" in by_rules(exchange(left, answered("Oh."), prompt=(play,), completion=soup))
    stop = said("Stop playing, please.")
    over = (play, soup, stop, answered("Fine."), said("What is a sloop?"))
    assert "follow_up" in by_rules(exchange(reply, answered("Sorry."), prompt=over, completion=soup))


def test_nobody_else_begins_a_play() -> None:
    """A model or a tool that speaks of a game does not silence the user."""
    request = said("Tell me about sloops.")
    game = answered("Let's play a game.")
    for stranger in (game, returned("pretend to be"), said("act as", Origin.CLIENT)):
        given = exchange(
            said("No, shorter."), answered("..."), prompt=(stranger, request), completion=answered("Long.")
        )
        assert "follow_up" in found(given)


def test_speaking_before_a_call_runs_takes_it_back() -> None:
    """Unless it lets the call run."""
    made = answered("", call("run", command="npm test"))
    assert {"follow_up", "call_refused"} <= found(
        exchange(said("it's a python project"), answered("Ok."), completion=made)
    )
    assert "follow_up" not in found(exchange(said("yes, go ahead"), answered("Ok."), completion=made))


def test_an_order_about_what_a_tool_works_on_is_a_new_task() -> None:
    """Delete the second line: of the file, where a file was read; of the answer, where there was none."""
    made = answered("", call("read_file", path="notes"))
    read = (said("Read my notes"), made, returned("a\nb"))
    reply = said("delete the second line")
    listed = answered("There are two lines.")
    assert "follow_up" not in found(exchange(reply, answered("Ok."), prompt=read, completion=listed))
    assert "follow_up" in found(exchange(reply, answered("Ok."), completion=listed))


def test_applause_is_thanks() -> None:
    """A sign alone, praise in other words; not “not bad”, which may be about anything."""
    for reply in ("👍", "👏👏", "that's exactly what I wanted", "viel besser so", "klingt gut!"):
        assert {"thanks"} == replied(reply), reply
    assert set() == replied("not bad")


def test_what_others_wrote_is_only_compared() -> None:
    """The words of an answer tell what the user denies; they never object themselves."""
    stood = before((said("Which river?"),), answered("No, wrong. The Weser."))
    assert not stood.question
    assert "weser" in stood.answer
    assert not before((), answered("")).answer
