"""The probes and the nonsense that scripts/bench_serving sends, at a server with a scripted engine."""

from __future__ import annotations

from typing import Any

import pytest
from serve_parts import QUICK, TOKEN, Served, running
from serving import shapes
from serving.hostile import fuzz, knock
from serving.strangers import paths, probes, send_all

from persona.serve.guard import Guard


def test_no_stranger_is_let_in() -> None:
    """Of a thousand probes over real connections none is answered, and the model is asked for nothing."""
    with running(lambda _: "Yes.") as served:
        found = knock(served.url, TOKEN, count=1000)

        assert (1000, 0, 0) == (found["probes"], found["let_through"], found["answers"]), found["which"]
        assert [] == served.engine.asked
        assert {"401", "403", "415"} <= found["statuses"].keys()


@pytest.mark.parametrize("fault", ["host", "origin", "token", "type"])
def test_each_check_is_needed(monkeypatch, fault: str) -> None:
    """Without any one of them strangers get in, and are counted: the probes do test something."""
    with running(lambda _: "Yes.") as served:
        leave_out(fault, served, monkeypatch)
        wrong_in_one_way = list(probes(800, port=served.port, token=TOKEN))[:400]

        assert send_all(wrong_in_one_way, served.port)["let_through"] > 0


def leave_out(fault: str, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "token":
        (mine,) = served.door._visitors.values()
        served.door.admit = lambda _: mine  # type: ignore[method-assign]
        return
    check = {"host": "_check_host", "origin": "_check_origin", "type": "_check_body"}[fault]
    monkeypatch.setattr(Guard, check, lambda *_: None)


def test_probes_are_the_same_each_time() -> None:
    """A count can be repeated."""
    one, same, other = (list(probes(50, port=1, token="t", seed=seed)) for seed in (1, 1, 2))

    assert one == same != other


def test_every_route_has_its_shape() -> None:
    """What is sent is made from the routes; only the endless one is left out."""
    described = shapes.document()["paths"]
    documented = {path.replace("{id}", "persona").replace("{name}", "status") for path in described}

    assert set(paths()) - {"/persona/events"} == documented


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(inner) for inner in part.values()))
    return set().union(*(references(inner) for inner in part)) if isinstance(part, list) else set()


def test_shapes_lead_to_one_another() -> None:
    """No reference leads nowhere, which would leave a body untested."""
    document = shapes.document()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    assert references(document)
    assert references(document) <= known


@pytest.mark.slow
def test_schemathesis_finds_no_server_error() -> None:
    """Valid requests and invalid ones for every operation: not one 5xx, by the server's own count."""
    with running(lambda _: "Yes.", limits=QUICK, answers={"status": {}}) as served:
        found = fuzz(served.url, TOKEN, examples=20)

        assert (0, 0) == (found["server_errors"], found["exit_code"]), found["said"]
        assert found["requests"] > 200
        assert found["statuses"]["200"] > 20
