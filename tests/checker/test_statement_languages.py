"""Statements in German, French, Spanish, Italian and Portuguese are read as their English is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.checker import (
    Avoids,
    BoldLead,
    Bullets,
    Checker,
    Closing,
    Convention,
    Language,
    MaxSentences,
    MaxWords,
    NoBold,
    NoEmoji,
    NoExclamation,
    NoHeadings,
    NoLists,
    Opening,
    ToolArgument,
    ToolChoice,
    is_one_off,
    parse_statement,
)

SENTENCES, WORDS = "length.sentences", "length.words"
TWO, FORTY = (SENTENCES, MaxSentences(n=2)), (WORDS, MaxWords(n=39))
EMOJI, LISTS, BULLETS = ("emoji", NoEmoji()), ("lists", NoLists()), ("lists", Bullets())
LEAD, NO_BOLD = ("bold", BoldLead()), ("bold", NoBold())
AHOY, BYE = ("opening", Opening(text="Ahoy!")), ("closing", Closing(text="Fair winds!"))


def language(code: str) -> tuple[str, Checker]:
    return "language", Language(code=code)


METRIC = ("units", Convention(convention="units", style="metric"))
IMPERIAL = ("units", Convention(convention="units", style="imperial"))

READ: list[tuple[str, list[tuple[str, Checker | None]]]] = [
    ("Benutze bitte metrische Einheiten", [METRIC]),
    ("Nehmen Sie metrische Einheiten.", [METRIC]),
    ("Utilise toujours le système métrique", [METRIC]),
    ("Usa siempre unidades métricas", [METRIC]),
    ("Usa sempre il sistema metrico", [METRIC]),
    ("Use sempre o sistema imperial", [IMPERIAL]),
    ("Antworte immer in höchstens zwei Sätzen.", [TWO]),
    ("Bitte antworte nie länger als zwei Sätze", [TWO]),
    ("Ab jetzt maximal zwei Sätze pro Antwort", [TWO]),
    ("Halte deine Antworten unter 40 Wörtern.", [FORTY]),
    ("Verwende nie Emojis.", [EMOJI]),
    ("Bitte keine Emojis mehr", [EMOJI]),
    ("Bitte keine Listen und keine Überschriften", [("headings", NoHeadings()), LISTS]),
    ("Benutze immer Stichpunkte.", [BULLETS]),
    ("Setze die erste Zeile fett.", [LEAD]),
    ("Verwende keinen Fettdruck.", [NO_BOLD]),
    ("Emojis sind wieder ok", [("emoji", None)]),
    ("Keine Ausrufezeichen bitte", [("exclamation", NoExclamation())]),
    ("Antworte auf Deutsch.", [language("de")]),
    ("Ab jetzt bitte auf Englisch antworten", [language("en")]),
    ("Beende jede Antwort mit „Fair winds!“", [BYE]),
    ('Beende jede Antwort mit „Fair winds!"', [BYE]),
    ('Beende jede Antwort mit „Sag "Ade" dazu“', [("closing", Closing(text='Sag "Ade" dazu'))]),
    ("Beginne jede Antwort mit „Ahoy!“.", [AHOY]),
    ("Sag nie „halt“", [("wording.halt", Avoids(text="halt"))]),
    ("Réponds toujours en deux phrases maximum.", [TWO]),
    ("Tes réponses ne doivent jamais être plus longues que deux phrases", [TWO]),
    ("Moins de 40 mots s'il te plaît", [FORTY]),
    ("N'utilise jamais d'emojis.", [EMOJI]),
    ("Pas d'emojis s'il te plaît", [EMOJI]),
    ("Sans listes ni titres", [LISTS]),
    ("Utilise toujours des listes à puces", [BULLETS]),
    ("Mets la première ligne en gras.", [LEAD]),
    ("À partir de maintenant, réponds en français.", [language("fr")]),
    ("Termine chaque réponse par « Fair winds! »", [BYE]),
    ("Commence chaque réponse avec « Ahoy! »", [AHOY]),
    ("Ne dis jamais « certes »", [("wording.certes", Avoids(text="certes"))]),
    ("Responde siempre en dos frases como máximo.", [TWO]),
    ("No más de dos frases por favor", [TWO]),
    ("Menos de 40 palabras", [FORTY]),
    ("No uses nunca emojis.", [EMOJI]),
    ("Sin emojis ni listas", [EMOJI]),
    ("Usa siempre viñetas", [BULLETS]),
    ("Pon la primera línea en negrita.", [LEAD]),
    ("Sin negritas.", [NO_BOLD]),
    ("A partir de ahora responde en español.", [language("es")]),
    ("Termina cada respuesta con «Fair winds!»", [BYE]),
    ("Empieza cada respuesta con «Ahoy!»", [AHOY]),
    ("Nunca digas «obviamente»", [("wording.obviamente", Avoids(text="obviamente"))]),
    ("Rispondi sempre in massimo due frasi.", [TWO]),
    ("Non più di due frasi, per favore", [TWO]),
    ("Meno di 40 parole", [FORTY]),
    ("Non usare mai emoji.", [EMOJI]),
    ("Senza elenchi, grazie", [LISTS]),
    ("Usa sempre elenchi puntati", [BULLETS]),
    ("Metti la prima riga in grassetto.", [LEAD]),
    ("Niente grassetto.", [NO_BOLD]),
    ("D'ora in poi rispondi in italiano.", [language("it")]),
    ("Termina ogni risposta con «Fair winds!»", [BYE]),
    ("Inizia ogni risposta con «Ahoy!»", [AHOY]),
    ("Non dire mai «ovviamente»", [("wording.ovviamente", Avoids(text="ovviamente"))]),
    ("Responda sempre em no máximo duas frases.", [TWO]),
    ("Não mais de duas frases, por favor", [TWO]),
    ("Menos de 40 palavras", [FORTY]),
    ("Nunca use emojis.", [EMOJI]),
    ("Sem listas, por favor", [LISTS]),
    ("Use sempre marcadores", [BULLETS]),
    ("Ponha a primeira linha em negrito.", [LEAD]),
    ("Sem negrito.", [NO_BOLD]),
    ("A partir de agora responda em português.", [language("pt")]),
    ("Termine cada resposta com “Fair winds!”", [BYE]),
    ("Comece cada resposta com “Ahoy!”", [AHOY]),
    ("Nunca diga “obviamente”", [("wording.obviamente", Avoids(text="obviamente"))]),
]


@pytest.mark.parametrize(("statement", "expected"), READ)
def test_a_clear_statement_is_read(statement: str, expected: list[tuple[str, Checker | None]]) -> None:
    """Each thing that it asks for becomes an attribute, with the checker that decides it."""
    found = sorted(
        ((each.attribute, each.checker) for each in parse_statement(statement)), key=lambda e: e[0]
    )
    assert expected == found


LEFT_ALONE = [
    "Wenn ich nach Code frage, antworte in höchstens zwei Sätzen",
    "Für Rezepte bitte Stichpunkte verwenden",
    "Weniger Emojis bitte",
    "Mindestens zwei Sätze bitte",
    "Antworte nicht auf Deutsch",
    "Ich lerne Deutsch",
    "Sei freundlich",
    "Quand je demande du code, réponds en deux phrases maximum",
    "Moins d'emojis",
    "Au moins deux phrases",
    "Ne réponds pas en français",
    "J'apprends le français",
    "Si pregunto por código, responde en dos frases como máximo",
    "Menos emojis por favor",
    "Al menos dos frases",
    "No respondas en español",
    "Estoy aprendiendo español",
    "Quando chiedo del codice, rispondi in massimo due frasi",
    "Meno emoji per favore",
    "Almeno due frasi",
    "Non rispondere in italiano",
    "Quando eu perguntar sobre código, responda em no máximo duas frases",
    "Menos emojis, por favor",
    "Pelo menos duas frases",
    "Não responda em português",
    "“Verwende nie Emojis”",
    "Ik wil geen emoji",
]


@pytest.mark.parametrize("statement", LEFT_ALONE)
def test_an_unclear_statement_stays_the_users_words(statement: str) -> None:
    """Hedged, conditional, turned around or in a language without a table."""
    (parsed,) = parse_statement(statement)
    assert parsed.attribute.startswith("free."), parsed


def function(name: str, **properties: object) -> dict[str, object]:
    return {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": properties}},
    }


WEATHER = function(
    "get_weather", city={"type": "string"}, units={"type": "string", "enum": ["metric", "imperial"]}
)


@pytest.mark.parametrize(
    "statement",
    [
        "Verwende immer metrische Einheiten für das Wetter",
        "Utilise toujours les unités métriques pour la météo",
        "Usa siempre unidades métricas para el clima",
        "Usa sempre unità metriche per il meteo",
        "Use sempre unidades métricas para o clima",
    ],
)
def test_a_habit_is_read_where_a_schema_names_it(statement: str) -> None:
    """A value of an enumeration has its name in the user's language too."""
    (parsed,) = parse_statement(statement, tools=[WEATHER])
    assert ToolArgument(tool="get_weather", argument="units", value="metric") == parsed.checker


@pytest.mark.parametrize(
    "statement",
    [
        "Verwende ripgrep statt grep",
        "Utilise ripgrep au lieu de grep",
        "Usa ripgrep en vez de grep",
        "Usa ripgrep invece di grep",
        "Use ripgrep em vez de grep",
    ],
)
def test_a_choice_of_tools_is_read(statement: str) -> None:
    """Names of tools are the same in every language."""
    (parsed,) = parse_statement(statement, tools=[function("ripgrep"), function("grep")])
    assert ToolChoice(tool="ripgrep", instead_of="grep") == parsed.checker


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Nur dieses Mal kürzer", True),
        ("Juste cette fois, plus court", True),
        ("Solo por esta vez, más corto", True),
        ("Solo per questa volta, più corto", True),
        ("Só desta vez, mais curto", True),
        ("Immer kürzer", False),
        ("Toujours plus court", False),
    ],
)
def test_a_wish_for_one_answer_is_told_apart(statement: str, expected: bool) -> None:
    """In each of the languages."""
    assert expected == is_one_off(statement)


@settings(deadline=None)  # the first call compiles the tables
@given(st.text(max_size=400))
def test_no_text_makes_the_reader_raise(statement: str) -> None:
    """Whatever the language."""
    assert parse_statement(statement)
    assert is_one_off(statement) in (True, False)
