"""The chat alone, over a daemon that runs: `python scripts/chatting/seen.py URL TOKEN`, for a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from persona.tui.app import PersonaApp, Wishes
from persona.tui.daemon import Address

if __name__ == "__main__":
    address = Address(url=sys.argv[1], token=sys.argv[2])
    PersonaApp(lambda: address, wishes=Wishes(max_tokens=32_000)).run()
