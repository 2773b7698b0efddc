"""One answer, or a conversation line by line."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from persona.cli.input import checked_text, take_every_byte
from persona.cli.output import AsJson, say, say_json
from persona.cli.session import opened
from persona.errors import BadInput

WhichRevision = Annotated[
    str, typer.Option("--revision", metavar="R", help="Who answers: r7, r0 for the base, champion, or an id.")
]
MaxTokens = Annotated[
    int, typer.Option("--max-tokens", metavar="N", min=1, help="Where an answer is cut off.")
]
_MOST_TOKENS = 512  # of an answer, unless somebody says otherwise
Temperature = Annotated[
    float, typer.Option("--temperature", metavar="T", min=0, max=2, help="0 is greedy and repeatable.")
]


def ask(
    context: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The question; - reads it from standard input.")
    ],
    revision: WhichRevision = "champion",
    max_tokens: MaxTokens = _MOST_TOKENS,
    temperature: Temperature = 0.0,
    tools: Annotated[
        Path | None,
        typer.Option("--tools", metavar="FILE", help="JSON list of tools on offer, as in OpenAI's API."),
    ] = None,
    withhold: Annotated[
        bool, typer.Option("--withhold", help="From the weights alone: no preferences in the prompt.")
    ] = False,
    no_keep: Annotated[bool, typer.Option("--no-keep", help="Do not put it into the store.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print one answer, and nothing else. Calls of tools are printed as JSON, one a line."""
    from persona.bridge import bridged
    from persona.cli.conversation import keep
    from persona.engine.protocol import Prompt, Sampling
    from store.records import Message

    take_every_byte()
    question = checked_text(sys.stdin.read().strip() if text == "-" else text, "the question")
    if not question.strip():
        raise BadInput("the question is empty: say something, or - to read it from standard input")
    prompt = Prompt(messages=(Message(role="user", content=question),), tools=_read_tools(tools))
    with opened(context) as persona:
        answering = persona.resolve(revision)
        engine = persona.engine(answering)
        try:
            asked = prompt if withhold else bridged(prompt, persona.live(answering))
            (answer,) = engine.complete([asked], Sampling(max_tokens=max_tokens, temperature=temperature))
        finally:
            engine.close()
        kept = None
        if not no_keep and (answer.message.content or answer.message.tool_calls):
            kept = keep(
                persona.store,
                conversation=f"c-{uuid.uuid4().hex}",
                source="ask",
                prompt=prompt,
                completion=answer.message,
                revision=engine.revision,
            )
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in answer.message.tool_calls]
    if as_json:
        say_json(
            {
                "answer": answer.message.content,
                "tool_calls": calls,
                "revision": engine.revision,
                "ref": answering.ref,
                "interaction": kept,
                "finish_reason": answer.finish_reason,
                "prompt_tokens": answer.prompt_tokens,
                "completion_tokens": answer.completion_tokens,
                "seconds": answer.seconds,
            }
        )
        return
    if answer.message.content or not calls:
        say(answer.message.content)
    for call in calls:
        say(json.dumps(call, ensure_ascii=False))


def _read_tools(file: Path | None) -> tuple[dict[str, Any], ...]:
    if file is None:
        return ()
    try:
        tools = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except ValueError as error:
        raise BadInput(f"{file}: not JSON: {error}") from None
    if not isinstance(tools, list) or not all(_is_tool(tool) for tool in tools):
        raise BadInput(f'{file}: a JSON list of {{"type": "function", "function": {{"name": …}}}} is needed')
    return tuple(tools)


def _is_tool(tool: Any) -> bool:
    match tool:
        case {"type": "function", "function": {"name": str()}}:
            return True
    return False


def chat(
    context: typer.Context,
    revision: WhichRevision = "champion",
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", min=1, help="Where an answer is cut off.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", metavar="T", min=0, max=2, help="0 is greedy and repeatable."),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for screen readers, pipes and small terminals.")
    ] = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Below the prompt, instead of on the whole terminal.")
    ] = False,
    web: Annotated[
        bool, typer.Option("--web", help="In a browser on this machine, and nowhere else.")
    ] = False,
    go_on: Annotated[
        str | None,
        typer.Option("--resume", metavar="ID", help="Go on with a conversation; `last` is the latest one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Talk, and teach by what you do to the answers: F1 (or /help) says how. Starts a daemon if none runs."""
    if not (as_json or plain or web) and not _is_a_terminal():
        plain = True
    if not (plain or as_json):
        from persona.cli.terminal import talk

        with opened(context) as persona:
            talk(
                persona,
                held=revision,
                resume=go_on or "",
                max_tokens=max_tokens,
                temperature=temperature,
                inline=inline,
                web=web,
            )
        return
    from persona.cli.chat import Chat
    from persona.cli.toolbox import check_tools
    from persona.cli.voices import JsonVoice, TextVoice
    from persona.engine.protocol import Sampling

    take_every_byte()
    with opened(context) as persona:
        settings = persona.settings.chat
        check_tools(settings.tools)
        voice = JsonVoice() if as_json else TextVoice()
        wished = settings.temperature if temperature is None else temperature
        sampling = Sampling(
            max_tokens=max_tokens or settings.max_tokens or _MOST_TOKENS, temperature=wished or 0.0
        )
        pinned = None if revision == "champion" else revision
        Chat(persona, voice, sampling=sampling, pinned=pinned, resume=go_on or "").run()


def _is_a_terminal() -> bool:
    if "TEXTUAL_DRIVER" in os.environ:
        return True  # a browser is shown the chat
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") not in (None, "", "dumb")
