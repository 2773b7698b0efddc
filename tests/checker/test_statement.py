"""What is read from a stated preference, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona.checker import (
    Avoids,
    Bold,
    BoldLead,
    Bullets,
    Checker,
    Closing,
    Contains,
    Convention,
    Emoji,
    Language,
    MaxSentences,
    MaxWords,
    NoBold,
    NoClosing,
    NoEmoji,
    NoExclamation,
    NoHeadings,
    NoLists,
    Opening,
    Parsed,
    ToolArgument,
    ToolChoice,
    is_one_off,
    parse_statement,
)


def function(name: str, **properties: object) -> dict[str, object]:
    return {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": properties}},
    }


WEATHER = function(
    "get_weather", city={"type": "string"}, units={"type": "string", "enum": ["metric", "imperial"]}
)
TEMPERATURE = function("get_temperature", unit_system={"type": "string", "enum": ["metric", "imperial"]})
FORECAST = function("get_forecast", units={"type": "string", "enum": ["metric", "imperial"]})
SEARCH = function(
    "web_search",
    query={"type": "string"},
    max_results={"type": "integer"},
    safe={"type": "boolean"},
    sort={"type": "string", "enum": ["newest", "relevance"]},
)
RIPGREP, GREP = function("ripgrep", pattern={"type": "string"}), function("grep", pattern={"type": "string"})
TOOLS = [WEATHER, SEARCH, RIPGREP, GREP]

SENTENCES, WORDS = "length.sentences", "length.words"
METRIC, IMPERIAL = (Convention(convention="units", style=style) for style in ("metric", "imperial"))
READ: list[tuple[str, list[tuple[str, Checker | None]]]] = [
    ("Answer in at most two sentences.", [(SENTENCES, MaxSentences(n=2))]),
    ("Please keep it to 3 sentences max", [(SENTENCES, MaxSentences(n=3))]),
    ("Never use more than two sentences.", [(SENTENCES, MaxSentences(n=2))]),
    ("I don't want answers longer than 4 sentences.", [(SENTENCES, MaxSentences(n=4))]),
    ("No answer should be longer than twenty-five words", [(WORDS, MaxWords(n=25))]),
    ("Answer in one or two sentences", [(SENTENCES, MaxSentences(n=2))]),
    ("Reply in 2-3 short sentences, please.", [(SENTENCES, MaxSentences(n=3))]),
    ("One-sentence answers only.", [(SENTENCES, MaxSentences(n=1))]),
    ("Answer in a single sentence", [(SENTENCES, MaxSentences(n=1))]),
    ("When you answer, use at most two sentences.", [(SENTENCES, MaxSentences(n=2))]),
    ("Maximum of 5 sentences for every answer", [(SENTENCES, MaxSentences(n=5))]),
    ("No more than three sentences per answer", [(SENTENCES, MaxSentences(n=3))]),
    ("Keep answers under 40 words", [(WORDS, MaxWords(n=39))]),
    ("Use fewer than a hundred words", [(WORDS, MaxWords(n=99))]),
    ("Keep it within fifty words.", [(WORDS, MaxWords(n=50))]),
    ("30 words or fewer", [(WORDS, MaxWords(n=30))]),
    ('End every answer with "Fair winds!"', [("closing", Closing(text="Fair winds!"))]),
    ("End every answer with “Fair winds!”.", [("closing", Closing(text="Fair winds!"))]),
    ("End every answer with Fair winds!", [("closing", Closing(text="Fair winds!"))]),
    ("Sign off with Cheers from now on.", [("closing", Closing(text="Cheers"))]),
    ("Don't forget to end with 'Don't panic'.", [("closing", Closing(text="Don't panic"))]),
    (
        "From now on close with “Steady as she goes.” instead",
        [("closing", Closing(text="Steady as she goes."))],
    ),
    ("Close with “B” instead of “A”", [("closing", Closing(text="B"))]),
    ("Instead of “A”, end with “B”", [("closing", Closing(text="B"))]),
    ("Use “Over and out” as your sign-off", [("closing", Closing(text="Over and out"))]),
    ("Your sign-off should be “Over and out”", [("closing", Closing(text="Over and out"))]),
    ("Stop ending with “Fair winds!”", [("closing", NoClosing(texts=("Fair winds!",)))]),
    ("No sign-off any more", [("closing", NoClosing())]),
    ("Start every reply with „Ahoy!“", [("opening", Opening(text="Ahoy!"))]),
    ("Begin your answers with Ahoy", [("opening", Opening(text="Ahoy"))]),
    (
        "Open with `Roger` and close with `Out`",
        [("closing", Closing(text="Out")), ("opening", Opening(text="Roger"))],
    ),
    ("No emoji", [("emoji", NoEmoji())]),
    ("Please don't use any emojis!", [("emoji", NoEmoji())]),
    ("Stop using emoji.", [("emoji", NoEmoji())]),
    ("I hate emoji", [("emoji", NoEmoji())]),
    ("Keep it emoji-free", [("emoji", NoEmoji())]),
    ("Use emojis", [("emoji", Emoji())]),
    ("Emoji are fine again", [("emoji", None)]),
    ("You can use emoji", [("emoji", None)]),
    ("Use bullet points", [("lists", Bullets())]),
    ("Always answer in bullet points.", [("lists", Bullets())]),
    ("Don’t use bullet points", [("lists", NoLists())]),
    ("no bulleted lists please", [("lists", NoLists())]),
    ("Use bullets instead of headings", [("headings", NoHeadings()), ("lists", Bullets())]),
    ("No headings", [("headings", NoHeadings())]),
    (
        "No lists, headings or emoji.",
        [("emoji", NoEmoji()), ("headings", NoHeadings()), ("lists", NoLists())],
    ),
    ("Put the first line in bold.", [("bold", BoldLead())]),
    ("Start every answer with a bold summary", [("bold", BoldLead())]),
    ("The first line of every answer should be in bold.", [("bold", BoldLead())]),
    ("Use bold text", [("bold", Bold())]),
    ("Use italics instead of bold.", [("bold", NoBold())]),
    ("No bold, please", [("bold", NoBold())]),
    ("Never use bold text", [("bold", NoBold())]),
    ("no exclamation marks", [("exclamation", NoExclamation())]),
    ("Never use exclamation points", [("exclamation", NoExclamation())]),
    ("Answer in German", [("language", Language(code="de"))]),
    ("Always reply to me in French, please.", [("language", Language(code="fr"))]),
    ("Speak Spanish", [("language", Language(code="es"))]),
    ("Never say “delve”", [("wording.delve", Avoids(text="delve"))]),
    (
        'Avoid the words "delve" and "tapestry".',
        [("wording.delve", Avoids(text="delve")), ("wording.tapestry", Avoids(text="tapestry"))],
    ),
    ("Always mention “in my opinion” somewhere", [("wording.in my opinion", Contains(text="in my opinion"))]),
    (
        "Answer in at most two sentences, no emoji, and end with “Fair winds!”.",
        [("closing", Closing(text="Fair winds!")), ("emoji", NoEmoji()), (SENTENCES, MaxSentences(n=2))],
    ),
    (
        "Stop signing off with “Fair winds!” and use “Steady.” instead.",
        [("closing", Closing(text="Steady."))],
    ),
    ("Don't end with “A” any more; end with “B”", [("closing", Closing(text="B"))]),
    ("Put “Fair winds!” at the very end of every answer", [("closing", Closing(text="Fair winds!"))]),
    ("Always finish with: Fair winds!", [("closing", Closing(text="Fair winds!"))]),
    ("Sign every answer with “— J.”", [("closing", Closing(text="— J."))]),
    ("Say “Ahoy” at the start", [("opening", Opening(text="Ahoy"))]),
    ("Answers should be in Dutch", [("language", Language(code="nl"))]),
]


@pytest.mark.parametrize(("statement", "expected"), READ)
def test_a_clear_statement_is_read(statement: str, expected: list[tuple[str, Checker | None]]) -> None:
    """Each thing it asks for becomes an attribute, with the checker that decides it."""
    found = parse_statement(statement, tools=TOOLS)
    assert expected == sorted(
        ((parsed.attribute, parsed.checker) for parsed in found), key=lambda pair: pair[0]
    )
    assert {"always"} == {parsed.scope for parsed in found}


LEFT_ALONE = [
    "",
    "Be nice.",
    "Keep answers short",
    "Answer in at least two sentences",
    "Don't answer in two sentences",
    "Use about 40 words",
    "At most two sentences per bullet",
    "Keep sentences under ten words",
    "Write paragraphs of at most three sentences",
    "Use two sentences of explanation",
    "When I ask about code, answer in at most two sentences",
    "If you are unsure, use no emoji",
    "For recipes, use bullet points",
    "No emoji in emails",
    "Use bullet points unless I ask for prose",
    "Answers about cooking should be under 40 words",
    "Use fewer emoji",
    "Not too many bullet points",
    "Use numbered lists",
    "End every answer with a question",
    "Start with the answer",
    "Answer in plain English",
    "Don't answer in German",
    "Answer in German or English",
    "I am learning German",
    "My last answer was in French",
    "“no emoji”",
    "I once read “answer in at most two sentences”",
    "The end is near with Fair winds and a following sea ahead of us all",
    "Use short answers",
    "I want you to be bold.",
    "Use bold claims",
    "Write in a bold, confident tone.",
    "Avoid bold, sweeping claims.",
    "Begin with a bold line of thinking",
    "Use bold text for key terms",
    "I prefer not to use bold text.",
    "You don't need to avoid bold",
    "Don't put the first line in bold.",
    "No bold in the first line",
    "Ab jetzt bitte nur Rezepte ohne Fett.",
    "Je n'aime pas le gras.",
    "Usa el nombre Negrita",
    "Korrigiere die erste Zeile: „Hallo Welt“",
    "La première ligne ne doit jamais être « Salut »",
    "x" * 5000,
    "No emoji. " * 500,
]


@pytest.mark.parametrize("statement", LEFT_ALONE)
def test_an_unclear_statement_stays_the_users_words(statement: str) -> None:
    """Hedged, conditional, partial or unknown: one free entry without a checker, the same every time."""
    (parsed,) = parse_statement(statement, tools=TOOLS)
    assert parsed.attribute.startswith("free.")
    assert ("always", None) == (parsed.scope, parsed.checker)
    assert [parsed] == parse_statement(f"  {statement}\n")


def habit(tool: str, argument: str, value: object) -> tuple[str, str, Checker]:
    return (
        f"tool:{tool}",
        f"tool.{tool}.{argument}",
        ToolArgument(tool=tool, argument=argument, value=value),
    )


def choice(tool: str, instead_of: str) -> tuple[str, str, Checker]:
    return ("tool:grep", "tool.choice.grep.ripgrep", ToolChoice(tool=tool, instead_of=instead_of))


HABITS: list[tuple[str, list[object], list[tuple[str, str, Checker]]]] = [
    (
        "Always use metric units for the weather",
        TOOLS,
        [habit("get_weather", "units", "metric")],
    ),
    (
        "When you check the weather, use metric, not imperial.",
        TOOLS,
        [habit("get_weather", "units", "metric")],
    ),
    (
        "Always use metric units",
        [WEATHER, FORECAST],
        [
            ("always", "units", METRIC),
            habit("get_forecast", "units", "metric"),
            habit("get_weather", "units", "metric"),
        ],
    ),
    (
        "Set max_results to 5 in web searches",
        TOOLS,
        [habit("web_search", "max_results", 5)],
    ),
    (
        "max results should always be 10",
        TOOLS,
        [habit("web_search", "max_results", 10)],
    ),
    (
        "Sort web results by “newest”, please use that always",
        TOOLS,
        [habit("web_search", "sort", "newest")],
    ),
    *(
        (statement, TOOLS, [choice("ripgrep", "grep")])
        for statement in (
            "Use ripgrep, not grep",
            "Prefer ripgrep over grep.",
            "use ripgrep instead of grep",
            "Instead of grep, use ripgrep",
            "Don't use grep, use ripgrep",
        )
    ),
    (
        "Use grep rather than ripgrep",
        TOOLS,
        [choice("grep", "ripgrep")],
    ),
]


CONVENTIONS = [
    ("Use metric units.", "units", "metric"),
    ("Always use metric", "units", "metric"),
    ("Please use imperial units", "units", "imperial"),
    ("Give distances in the metric system", "units", "metric"),
    ("Use metric, not imperial.", "units", "metric"),
    ("Don't use imperial, use metric", "units", "metric"),
    ("Metric instead of imperial", "units", "metric"),
    ("British spelling please", "spelling", "british"),
    ("Write in American English, not British English", "spelling", "american"),
    ("Use the 24-hour clock.", "clock", "24"),
    ("times in 24h please", "clock", "24"),
    ("Use the 12-hour clock.", "clock", "12"),
    ("use the 24 hour format rather than the 12 hour format", "clock", "24"),
    ("Write dates as yyyy-mm-dd", "dates", "iso"),
]


@pytest.mark.parametrize(("statement", "convention", "style"), CONVENTIONS)
def test_a_convention_is_read(statement: str, convention: str, style: str) -> None:
    """Two styles of one convention are one attribute, so that the later takes the place of the earlier."""
    (parsed,) = parse_statement(statement)
    assert ("always", convention) == (parsed.scope, parsed.attribute)
    assert Convention(convention=convention, style=style) == parsed.checker


@pytest.mark.parametrize(
    "statement",
    [
        "Use metric or imperial units",
        "Never use metric units",
        "Use metric units for recipes",
        "my country uses metric units",
        "I like metric spaces",
        "Use metric learning",
        "Give me 24 hours notice",
        "I will be back in 24h",
        "Answer within 24 hours",
    ],
)
def test_a_convention_that_is_not_clearly_asked_for_is_left_alone(statement: str) -> None:
    """Precision before recall."""
    (parsed,) = parse_statement(statement)
    assert parsed.attribute.startswith("free.")


@pytest.mark.parametrize(("statement", "tools", "expected"), HABITS)
def test_a_habit_is_read_where_a_schema_names_it(
    statement: str, tools: list[dict[str, object]], expected: list[tuple[str, str, Checker]]
) -> None:
    """A value of an enumeration, an argument's name or two tools' names tie a statement to its tools."""
    found = parse_statement(statement, tools=tools)
    assert expected == sorted(
        ((parsed.scope, parsed.attribute, parsed.checker) for parsed in found), key=lambda entry: entry[0]
    )


@pytest.mark.parametrize(
    "statement",
    [
        "Never use metric units for the weather",
        "Don't use metric units for the weather",
        "Use metric or imperial units for the weather",
        "Don't use ripgrep instead of grep",
        "Use sed, not awk",
        "Set max_results to many",
        "Newest first in everything",
    ],
)
def test_a_habit_that_no_schema_names_clearly_is_left_alone(statement: str) -> None:
    """A tool preference is never guessed."""
    (parsed,) = parse_statement(statement, tools=TOOLS)
    assert parsed.attribute.startswith("free.")


def test_one_word_for_two_arguments_is_left_alone() -> None:
    """Where two tools call it differently, nothing says which one is meant."""
    (parsed,) = parse_statement("Always use metric units", tools=[WEATHER, TEMPERATURE])
    assert ("always", METRIC) == (parsed.scope, parsed.checker)


def test_one_statement_can_set_two_habits() -> None:
    """Each tool that it names gets its own."""
    found = parse_statement("Use metric for the weather and sort web results by newest", tools=TOOLS)
    assert [habit("get_weather", "units", "metric"), habit("web_search", "sort", "newest")] == [
        (parsed.scope, parsed.attribute, parsed.checker) for parsed in found
    ]


def test_habits_need_the_schemas() -> None:
    """Without the tools nothing says that "metric" is a value of one."""
    (parsed,) = parse_statement("Always use metric units for the weather")
    assert parsed.checker is None


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"function": 3},
        {"function": {"name": 3}},
        {"function": {"name": "x", "parameters": {"properties": [1]}}},
        {"function": {"name": "units", "parameters": {"properties": {"units": {"enum": "metric"}, "y": 3}}}},
    ],
)
def test_a_broken_schema_is_passed_over(broken: dict[str, object]) -> None:
    """Programs send all kinds of schemas; the others still count."""
    found = parse_statement("Always use metric units for the weather", tools=[broken, WEATHER])
    assert ["tool.get_weather.units"] == [parsed.attribute for parsed in found]


def test_the_later_half_of_a_statement_wins() -> None:
    """A statement that contradicts itself never gives two entries with one key."""
    (parsed,) = parse_statement("In at most two sentences, no, in at most three sentences.")
    assert Parsed(attribute=SENTENCES, checker=MaxSentences(n=3)) == parsed


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("Just this once, answer in German", True),
        ("No emoji for now", True),
        ("In this chat, use bullet points", True),
        ("Answer in German from now on", False),
        ("Say “for now” at the end", False),
    ],
)
def test_one_off_wishes_are_known(statement: str, expected: bool) -> None:
    """A wish for one answer is told from a lasting preference."""
    assert expected == is_one_off(statement)


VOCABULARY = (
    "no never don't use end close with start answer in at most under two 3 - sentences words emoji lists “ ” "
    "' \" Fair winds! German metric weather ripgrep grep max_results to ⟦0⟧ ⟦9⟧ , . ; instead of"
)


@settings(deadline=None)  # the first call compiles the tables
@given(st.text(max_size=300) | st.lists(st.sampled_from(VOCABULARY.split())).map(" ".join))
def test_no_statement_makes_the_reader_raise(statement: str) -> None:
    """Whatever a user says, there is at least one entry, and keys are distinct."""
    found = parse_statement(statement, tools=TOOLS)
    assert len(found) == len({(parsed.scope, parsed.attribute) for parsed in found}) >= 1
