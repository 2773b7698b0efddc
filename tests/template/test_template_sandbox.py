"""Templates of other people's models are data: no way out, no endless work, and clear refusals."""

from __future__ import annotations

import time

import pytest
from chat_parts import SMOLLM2, assistant, user

from persona.errors import TemplateRefused
from persona.template import Template, to_json
from store.records import Message, ToolCall

EOS = "<|im_end|>"

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self._TemplateReference__context }}",
    "{{ messages.__class__ }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].update({'role': 'system'}) }}",
    "{{ raise_exception.__globals__ }}",
    "{{ raise_exception.__code__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ (messages|map(attribute='__class__')|list)[0].__mro__ }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
    "{{ '%s'.format_map(messages) }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% extends 'x' %}",
]
DOUBLED = "{% set n = namespace(x='a') %}"
ENDLESS = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in range(10000000000) %}{% endfor %}",
    "{{ range(99999)|map('string')|join('x' * 1000) }}",
    "{{ 'a' * 10000000000 }}",
    "{{ 10000000000 * 'a' }}",
    "{{ [1] * 10000000000 }}",
    "{{ 'a'.ljust(10000000000) }}",
    "{{ '%10000000000s' % 'a' }}",
    "{{ '%10000000000s'|format('a') }}",
    "{{ 'a'|center(10000000000) }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ [[1]]|tojson(indent=10000000000) }}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = n.x + n.x %}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = [n.x, n.x]|join %}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x %}{{ n.x * 2 }}{% endset %}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = n.x.replace('a', 'aa') %}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = n.x|replace('a', 'aa') %}{% endfor %}",
    "{% for i in range(90) %}{% set x %}{{ x }}{% endset %}{{ 'a' * 99999 }}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = n.x.join([n.x, n.x]) %}{% endfor %}",
    "{% for i in range(90) %}{% set _ = namespace(x=1) %}{{ 'a' * 999999 }}{% endfor %}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ n.x|upper }}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = {1: n.x, 2: n.x} %}{% endfor %}{{ n.x|string }}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = dict(a=n.x, b=n.x) %}{% endfor %}{{ n.x|tojson }}",
    DOUBLED + "{% for i in range(90) %}{% set n.x = [n.x] + [n.x] %}{% endfor %}{{ n.x == [n.x] }}",
    DOUBLED + "{% for i in range(9) %}{% set n.x = [n.x] * 100 %}{% endfor %}{{ n.x }}",
    "{% set x = 'a' * 999999 %}{% for i in range(49999) %}{% if x.upper() == 'b' %}{% endif %}{% endfor %}",
    "{{ [1]|slice(10000000000)|list }}",
    "{{ [1]|batch(10000000000, 0)|list }}",
    "{{ 'a'|indent(10000000000) }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for i in [1] recursive %}{{ loop([1]) }}{{ loop([1]) }}{% endfor %}",
    "{% for i in range(50000) %}" + "x" * 100 + "{% endfor %}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_nothing_outside_the_sandbox_is_reached(source):
    """Each way out is refused, or yields nothing but the empty text of an undefined name."""
    messages = [user("Hi")]
    try:
        text = Template(source, eos=EOS).render(messages, add_generation_prompt=False)
    except TemplateRefused:
        text = ""

    assert text in ("", "%s")
    assert [user("Hi")] == messages


@pytest.mark.parametrize("source", ENDLESS)
def test_endless_work_ends_soon(source):
    """Limits of steps and characters end it in a fraction of a second of computing."""
    began = time.thread_time()

    with pytest.raises(TemplateRefused):
        Template(source, eos=EOS).render([user("Hi")], add_generation_prompt=False)

    assert time.thread_time() - began < 2


def test_namespaces_hide_nothing_large():
    """They can be filled from the outside in, so their text must not grow with what they hold."""
    made = "".join(f"{{% set n{i} = namespace(x=0) %}}" for i in range(60))
    filled = "".join(f"{{% set n{i}.x = [n{i + 1}, n{i + 1}] %}}" for i in range(59))

    text = Template(made + filled + "{{ n0 }}", eos=EOS).render([user("Hi")], add_generation_prompt=False)

    assert "<namespace>" == text


def test_a_long_conversation_is_within_the_limits():
    """The limits grow with what there is to render."""
    turns = [user("word " * 2000), assistant("word " * 2000)] * 200

    text = Template(SMOLLM2).render(turns, add_generation_prompt=True)

    assert len(text) > 4_000_000


def test_a_refusal_of_the_template_is_told_in_its_words():
    """raise_exception is how templates say that a conversation does not fit them."""
    template = Template("{{ raise_exception('roles must alternate') }}", eos=EOS)

    with pytest.raises(TemplateRefused, match="roles must alternate"):
        template.render([user("Hi")], add_generation_prompt=False)


@pytest.mark.parametrize("source", ["{% if %}", "{{ x | nosuchfilter }}", "{% for %}"])
def test_what_is_no_template_is_refused_when_it_is_made(source):
    """Not first when somebody waits for an answer."""
    with pytest.raises(TemplateRefused, match="not a Jinja template"):
        Template(source, eos=EOS)


def test_loops_know_where_they_are():
    """Counting loop turns takes nothing from what templates do with `loop`."""
    source = (
        "{% for m in messages %}{{ loop.index }}/{{ loop.length }}{{ '.' if loop.last else ',' }}{% endfor %}"
    )

    rendered = Template(source, eos=EOS).render([user("a"), user("b")], add_generation_prompt=False)

    assert "1/2,2/2." == rendered


def test_generation_blocks_render_as_their_content():
    """Templates made for trainers mark what is learned."""
    template = Template("{% generation %}{{ messages[0].content }}{% endgeneration %}", eos=EOS)

    assert "Hi" == template.render([user("Hi")], add_generation_prompt=False)


def test_json_is_written_as_pythons():
    """No escapes for HTML and none for letters beyond ASCII."""
    assert """{"a": "é<'>&", "b": [1, 2.5, null]}""" == to_json({"a": "é<'>&", "b": [1, 2.5, None]})


def test_the_end_token_is_found_in_the_template():
    """Whoever makes a template need not know how it ends an answer, if the template spells it out."""
    source = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}"

    assert "</s>" == Template(source, tokens={"eos_token": "</s>"}).eos
    assert "<|im_end|>" == Template(SMOLLM2).eos


def test_a_template_that_ends_no_answer_needs_to_be_told():
    """Otherwise a base would be trained never to stop."""
    source = "{% for m in messages %}{{ m.content }}\n{% endfor %}"

    with pytest.raises(TemplateRefused, match="no end token"):
        Template(source)
    _, completion = Template(source, eos="</s>").render_completion([user("Hi")], [], assistant("Yes."))
    assert "Yes.\n</s>" == completion


def test_a_template_whose_answers_do_not_continue_its_prompts_cannot_be_trained_on():
    """What is served would not be what was learned."""
    source = "{{ 'A' if add_generation_prompt else 'B' }}<|im_end|>"

    with pytest.raises(TemplateRefused, match="differently"):
        Template(source, eos=EOS).render_completion([user("Hi")], [], assistant("Yes."))


def test_the_digest_covers_all_that_changes_a_rendering():
    """Source, end token, variables and control tokens each change it; the same again does not."""
    made = [
        Template(SMOLLM2),
        Template(SMOLLM2 + " "),
        Template(SMOLLM2, eos="<|endoftext|>"),
        Template(SMOLLM2, tokens={"bos_token": "<s>"}),
        Template(SMOLLM2, controls=["<|fim|>"]),
    ]

    assert len(made) == len({template.digest for template in made})
    assert Template(SMOLLM2).digest == made[0].digest


def test_a_tool_result_knows_the_name_of_its_tool():
    """Some templates write it; it is that of the call with the same id."""
    source = (
        "{{ tools }}{% for m in messages %}"
        "{% for c in m.tool_calls %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}"
        "{{ m.content }}{{ m.name }}{% endfor %}"
    )
    call = ToolCall(name="f", arguments={}, id="c1")
    messages = [user("Hi"), assistant("", call), Message(role="tool", content="4", tool_call_id="c1")]

    assert Template(source, eos=EOS).render(messages, add_generation_prompt=False).endswith("4f")
