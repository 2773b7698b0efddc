"""The daemon in the foreground: take home and port, load the champion, answer until told to end, drain.

What is listened on is this machine alone, unless the user says in so many words that it is to be more.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import uvicorn

from persona.bootstrap import EngineOpener, Persona, open_engine, open_serving_engine
from persona.config import ServeSettings
from persona.daemon.desk import LocalDesk
from persona.daemon.door import LocalDoor
from persona.daemon.names import access, is_loopback
from persona.daemon.place import Place, only_daemon, tell_place
from persona.daemon.pulse import told
from persona.daemon.tokens import Tokens
from persona.errors import BadInput
from persona.failure import in_one_tree
from persona.schedule.probes import OwnTraffic
from persona.serve.app import create_app
from persona.serve.limits import Limits
from persona.serve.listening import listen, make_server

DRAIN_SECONDS = 20  # for the answers that run when the daemon is told to end

OnReady = Callable[[Place], None]


def serve(
    persona: Persona, *, host: str, port: int, expose: bool = False, on_ready: OnReady = lambda _: None
) -> None:
    """Until SIGINT or SIGTERM; a second one does not wait for answers. `port` 0 is any free one.

    `on_ready` is called when requests are answered. Raises BadInput for a place that may not or cannot be
    listened on, DaemonRuns, and what opening the desk raises.
    """
    _check_host(host, expose=expose)
    home = persona.home
    _ = persona.registry, persona.base  # which say what to do when the home is not ready
    tokens = Tokens(home, own_identity=persona.identity)
    with in_one_tree(), only_daemon(home):
        tokens.own()  # before the port is taken: who finds a daemon there finds the token too
        tokens.clients()  # a damaged file is said to who starts it, and not to the first client
        with _listening(host, port) as listener:
            _answer(persona, tokens, listener, host=host, on_ready=on_ready)


def _answer(
    persona: Persona, tokens: Tokens, listener: socket.socket, *, host: str, on_ready: OnReady
) -> None:
    home, port = persona.home, listener.getsockname()[1]
    traffic = OwnTraffic()
    door = LocalDoor(tokens, lambda name: LocalDesk(lambda: _persona_of(persona, name), traffic=traffic))
    try:
        desk = door.desk(persona.identity)
        allowed = access(persona.settings.serve, host, port)
        server = make_server(
            create_app(door, limits=_limits(persona.settings.serve), access=allowed),
            host=host,
            port=port,
            drain_seconds=DRAIN_SECONDS,
        )
        with _ends_quietly():
            desk.let_nights_come()
            place = tell_place(home, host=host, port=port)
            on_ready(place)
            with told(place), _told_of_the_end(server, door):
                server.run(sockets=[listener])
    finally:
        door.close(wait=1.0)  # what was cut off lets go of its engine


@contextmanager
def _ends_quietly() -> Iterator[None]:
    """Being told to end is how a daemon ends: uvicorn drains, then raises the signal once more, for us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _told_of_the_end(server: uvicorn.Server, door: LocalDoor) -> Iterator[None]:
    """Whoever listens to what happens hears that the daemon ends, and goes: it would be waited for."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            if server.should_exit:
                door.tell("stopping", {})
                return

    watcher = threading.Thread(target=watch, name="persona-end", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _limits(settings: ServeSettings) -> Limits:
    return Limits(answer_tokens=settings.max_tokens, temperature=settings.temperature)


def _persona_of(persona: Persona, identity: str) -> Persona:
    environ: Mapping[str, str] = {**persona.environ, "PERSONA_IDENTITY__NAME": identity}
    of_them = Persona(home=persona.home, environ=environ, engine_opener=_opener(persona))
    of_them.__dict__["base"] = persona.base  # read once: it is everybody's
    return of_them


def _opener(persona: Persona) -> EngineOpener:
    """A daemon has several clients; an opener that somebody put there stays."""
    return open_serving_engine if persona.engine_opener is open_engine else persona.engine_opener


def _check_host(host: str, *, expose: bool) -> None:
    if not expose and not is_loopback(host):
        raise BadInput(
            f"{host} can be reached from other machines: add --expose if that is what you want. Whoever has "
            "a token then reads and teaches your persona, and nothing is encrypted on the way"
        )


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise BadInput(f"{host}:{port} cannot be listened on: {why}; choose another --port") from None
