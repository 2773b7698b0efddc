"""What the daemon may be called by other machines, and which web pages may use it.

A name that nobody allowed is refused, whoever listens there: else a web page could reach the daemon under a
name of its own that leads here.
"""

from __future__ import annotations

import ipaddress

from persona.config import ServeSettings
from persona.serve.limits import Access

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # refused unless the user exposes the daemon


def access(settings: ServeSettings, host: str, port: int) -> Access:
    """Names that a client may call this daemon by, besides those of this machine to itself; and origins."""
    names = {*settings.hosts, *(() if host in EVERYWHERE else (host,))}
    return Access(
        hosts=frozenset(_with_port(name, port) for name in names),
        origins=frozenset(origin.rstrip("/") for origin in settings.origins),
    )


def other_machines(settings: ServeSettings, host: str, port: int) -> str | None:
    """Under which names they are let in, in one line; None where the daemon is for this machine alone."""
    if is_loopback(host):
        return None
    names = ", ".join(sorted(access(settings, host, port).hosts))
    if not names:
        return (
            "no other machine is let in yet: say in config.toml under [serve] what they call this one, "
            'such as hosts = ["persona.lan", "192.168.1.5"]'
        )
    return f"other machines are let in as {names}; `hosts` under [serve] in config.toml allows more"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _with_port(name: str, port: int) -> str:
    """As it stands in a Host header: in small letters, an IPv6 address in brackets, with the port."""
    name = name.lower()
    if name.count(":") > 1 and not name.startswith("["):
        name = f"[{name}]"
    return f"{name}:{port}" if name.endswith("]") or ":" not in name else name
