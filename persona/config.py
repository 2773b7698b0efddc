"""Settings: one small frozen section per stage, from config.toml and PERSONA_* variables, read once.

A variable wins over the file: `PERSONA_TRAIN__SEED=7` is `seed = 7` under `[train]`. Whatever is not known
is refused with the nearest name that is, so a misspelt setting never counts as set.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from persona.errors import BadInput

_PREFIX = "PERSONA_"
Share = Annotated[float, Field(ge=0, le=1)]
_DEVICE = r"^(auto|cpu|mps|cuda(:\d+)?)$"
_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"  # names become folder names


def _listed(value: Any) -> Any:
    """A variable is one text: names with commas between them."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BaseSettings(_Section):
    """Which base the adapters are built on; bases live in the home's `bases` folder."""

    name: str = Field(default="smollm2-135m", pattern=_NAME)


class IdentitySettings(_Section):
    """Whose store and adapters are used."""

    name: str = Field(default="me", pattern=_NAME)


class TrainSettings(_Section):
    """How a night may use the machine. What is learned is the recipe's, not decided here."""

    quantisation: Literal["auto", "none", "nf4"] = "auto"
    device: str = Field(default="auto", pattern=_DEVICE)
    threads: PositiveInt | None = None  # None: as many as the machine has cores
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None  # None: the recipe's own
    wall_clock_minutes: PositiveFloat = 240  # of work; standing still for the user does not count
    total_minutes: PositiveFloat = 720  # standing still included
    priority: Literal["low", "idle"] = "low"  # idle: only what nothing else wants of the processors
    quiet_seconds: PositiveFloat = (
        60  # without anyone at the machine, before a night that stood still goes on
    )
    memory_gb: PositiveFloat | None = None  # None: three quarters of what the machine has


class GateSettings(_Section):
    """Thresholds of the gate, named as in persona.promote.GatePolicy; None keeps the policy's own."""

    doubt: Annotated[float, Field(gt=0, le=0.5)] | None = None
    min_prompts: PositiveInt | None = None
    min_gain: Share | None = None
    min_lost: PositiveInt | None = None
    max_loss: Share | None = None
    max_mean_loss: Share | None = None
    max_drift: PositiveFloat | None = None
    max_residue: Share | None = None
    max_truncated_gain: Share | None = None
    max_looping_gain: Share | None = None
    max_empty: Share | None = None
    max_unasked: Share | None = None
    auto_rollback: bool = False  # when the votes on the champion are clearly worse than on the one before


class KeepSettings(_Section):
    """What `persona gc` leaves, named as in persona.promote.RetentionPolicy."""

    former: NonNegativeInt = 5
    rejected_days: NonNegativeFloat = 14


class ServeSettings(_Section):
    """How answers are generated."""

    engine: Literal["auto", "llama_cpp", "transformers"] = "auto"
    device: str = Field(default="auto", pattern=_DEVICE)
    context: PositiveInt | None = None  # tokens; None: as long as the engine finds reasonable
    threads: PositiveInt | None = None  # None: as many as the engine finds best
    host: str = "127.0.0.1"  # anything but the machine itself needs --expose as well
    port: Annotated[int, Field(ge=0, le=65535)] = 7437  # 0: any free one
    hosts: Names = ()  # more names that clients may call it by, such as "persona.lan"
    origins: Names = ()  # web pages that may use it, such as "https://chat.example"
    engines: Annotated[int, Field(ge=2, le=64)] = (
        3  # loaded at once: the champion, one beside it for a swap, …
    )
    parallel: Annotated[int, Field(ge=1, le=64)] = 4  # answers computed together by one engine
    # Of a request that does not say. A further answer has to be able to differ, so it is not 0. OpenAI has 1
    # and llama.cpp's server 0.8: small bases, which persona is for, hold their thread better below both.
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    # Of a request that does not say, too: four of them, with prompts as long, fit into a context of 8192.
    max_tokens: Annotated[int, Field(ge=1, le=32768)] = 1024
    aliases: dict[str, str] = {}  # other names for persona's models: "gpt-4o-mini" = "persona"


class ChatSettings(_Section):
    """The terminal chat."""

    keep_daemon: bool = True  # a daemon that the chat started goes on when the chat ends, and learns at night
    theme: str | None = None  # a theme's name; None: the one that was chosen last
    mouse: bool = True  # False leaves the mouse to the terminal, for selecting as everywhere else
    max_tokens: PositiveInt | None = None  # where an answer is cut off
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None  # None: as the daemon thinks best
    keys: dict[str, str] = Field(default_factory=dict)  # by what they do, down = "ctrl+g"; F1 shows all
    tools: dict[Annotated[str, Field(pattern=_NAME)], str] = Field(
        default_factory=dict
    )  # MCP servers by name: a command, or an http address


class UpstreamSettings(_Section):
    """Another model server, OpenAI-compatible, that answers for models which are not persona's."""

    url: Annotated[str, Field(pattern=r"^https?://")] | None = None  # as http://127.0.0.1:11434/v1
    api_key_env: str | None = None  # the variable that holds its key; None: it needs none
    models: Names = ()  # which ones; none: every model that is not persona's


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        raise ValueError("give two times of day as HH:MM-HH:MM, for example 23:00-07:00")
    return text


class ScheduleSettings(_Section):
    """When a night may run by itself. It runs once a date: in the window after `idle_minutes` without anyone
    at the machine, or at any hour after `long_idle_minutes`."""

    enabled: bool = True
    window: Annotated[str, AfterValidator(_hours)] = "23:00-07:00"  # local time; equal times: all day
    idle_minutes: NonNegativeFloat = 30
    long_idle_minutes: NonNegativeFloat = 120
    on_battery: bool = False
    max_load: PositiveFloat = 0.5  # of all processors together, averaged over five minutes
    min_free_memory_gb: NonNegativeFloat | None = None  # None: what earlier nights took
    min_free_disk_gb: NonNegativeFloat = 2
    retries: Annotated[int, Field(ge=0, le=10)] = 2  # of a night that failed
    keep_awake: bool = True  # while a night waits for the machine to be idle, and while it runs
    notify: bool = True  # a note on the desktop when a night promoted something or gave up


class Settings(_Section):
    """Every section, with defaults that work."""

    base: BaseSettings = BaseSettings()
    identity: IdentitySettings = IdentitySettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    keep: KeepSettings = KeepSettings()
    serve: ServeSettings = ServeSettings()
    chat: ChatSettings = ChatSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    schedule: ScheduleSettings = ScheduleSettings()


def read_settings(file: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of `file` (which may be missing) and `environ`; BadInput names every wrong one."""
    from_file = _read_toml(file)
    from_environ, variables = _read_environ(environ)
    merged = {name: _merged(from_file.get(name), from_environ.get(name)) for name in from_file | from_environ}
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        wrong = "; ".join(_explain(detail, file, variables) for detail in error.errors())
        raise BadInput(wrong) from None


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: not TOML: {error}") from None


def _read_environ(environ: Mapping[str, str]) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], str]]:
    """Nested values, and the variable that each (section, key) came from."""
    values: dict[str, dict[str, str]] = {}
    variables: dict[tuple[str, str], str] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(_PREFIX):
            continue
        section, separator, key = variable.removeprefix(_PREFIX).lower().partition("__")
        if not separator:
            _refuse_single_underscore(variable, section)
            continue
        values.setdefault(section, {})[key] = value
        variables[section, key] = variable
    return values, variables


def _refuse_single_underscore(variable: str, rest: str) -> None:
    """PERSONA_TRAIN_SEED would be ignored without a word otherwise: other variables are not ours to judge."""
    section, _, key = rest.partition("_")
    if key and section in Settings.model_fields:
        meant = f"{_PREFIX}{section.upper()}__{key.upper()}"
        raise BadInput(f"{variable}: two underscores stand between section and key: {meant}")


def _merged(from_file: Any, from_environ: Mapping[str, str] | None) -> Any:
    if from_environ is None:
        return from_file
    if from_file is None:
        return from_environ
    # A section that is not a table is left for the validation, which names it.
    return {**from_file, **from_environ} if isinstance(from_file, dict) else from_file


def _explain(detail: Any, file: Path, variables: Mapping[tuple[str, str], str]) -> str:
    """One pydantic error as: where, what, and the nearest known name if the name is the error."""
    section, *rest = (str(part) for part in detail["loc"])
    key = rest[0] if rest else None
    unknown = detail["type"] == "extra_forbidden"
    named_by = [
        v for (s, k), v in variables.items() if s == section and (k == key or (key is None and unknown))
    ]
    where = named_by[0] if named_by else f"{file}: [{section}]" + (f" {key}" if key else "")
    if not unknown:
        said = detail["msg"].removeprefix("Value error, ")
        return f"{where}: {said[0].lower()}{said[1:]}, not {detail['input']!r}"
    known = list(_keys_of(section)) if key else list(Settings.model_fields)
    near = difflib.get_close_matches(key or section, known, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"{where}: unknown {'key' if key else 'section'}; {advice}"


def _keys_of(section: str) -> list[str]:
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return list(model.model_fields)
