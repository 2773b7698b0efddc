"""Tools on offer where none is wanted: what the base says without them is what it should go on to say.

Whoever uses tools has them on offer in every request, and what is shown of them is calls alone: an adapter
learns from that to call one whatever is asked. So small talk, and as many prompts of replay, are asked behind
the same tools, and the base's own answer without any, with its likeliest tokens, is kept as replay keeps it
elsewhere. Replay alone is tasks, and exact calls are more with talk beside them; that talk is answered by a
call now and then it hardly changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from persona.offers import Offer
from persona.template import Template
from persona.train.replay import ReplayRow, prompts, talk_prompts
from persona.train.rows import Encoder, Row
from store.records import Message


def offered_rows(
    offers: Sequence[Offer],
    talk: Sequence[ReplayRow],
    tasks: Sequence[ReplayRow],
    template: Template,
    encode: Encoder,
    *,
    max_tokens: int,
) -> tuple[Row, ...]:
    """The rows of `talk` and as many `tasks` behind each offer, those that fit; all tasks where there is no
    talk. Nothing in them is to be learnt: all of the completion is the base's own."""
    replay = [*talk, *tasks[: len(talk) or None]]
    if not offers or not replay:
        return ()
    plain = {
        encode(template.render([Message(role="user", content=text)], add_generation_prompt=True)): text
        for text in (*talk_prompts(), *prompts())
    }
    rows: list[Row] = []
    for offer in offers:
        if (
            len(encode(template.render(offer.before(""), offer.tools, add_generation_prompt=True)))
            > max_tokens
        ):
            continue  # a hundred tools, which need not be written down for every row
        for each in replay:
            if each.prompt not in plain:
                continue
            asked = offer.before(plain[each.prompt])
            prompt = encode(template.render(asked, offer.tools, add_generation_prompt=True))
            if len(prompt) + len(each.completion) <= max_tokens:
                rows.append(Row(prompt=prompt, chosen=each.completion, own=each.likeliest, calls=True))
    return tuple(rows)
