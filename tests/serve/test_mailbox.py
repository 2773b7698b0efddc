"""Pieces from a thread reach the loop in their order, and none is lost."""

from __future__ import annotations

import asyncio
import threading

import pytest

from persona.serve.mailbox import Mailbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_pieces_of_a_thread_come_in_order() -> None:
    """However the thread and the loop take turns, all pieces come, each once."""
    box: Mailbox[int] = Mailbox(asyncio.get_running_loop())
    thread = threading.Thread(target=lambda: [box.put(number) for number in range(5000)])
    thread.start()
    assert list(range(5000)) == [await box.take(5.0) for _ in range(5000)]
    thread.join()


async def test_patience_ends_and_the_next_piece_is_there() -> None:
    """None says that nothing came; what comes later is taken later."""
    box: Mailbox[str] = Mailbox(asyncio.get_running_loop())
    assert await box.take(0.01) is None
    box.put("late")
    assert "late" == await box.take(5.0)


async def test_a_taker_that_is_cancelled_takes_nothing() -> None:
    """The piece that comes then is for the next one."""
    box: Mailbox[str] = Mailbox(asyncio.get_running_loop())
    taking = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    box.put("kept")
    assert "kept" == await box.take()


def test_nobody_reads_after_the_loop_is_closed() -> None:
    """A thread that goes on a little longer than the server meets no error."""
    loop = asyncio.new_event_loop()
    box: Mailbox[str] = Mailbox(loop)
    loop.close()
    box.put("to nobody")
