"""The keys of the chat, wherever the user is in it; those of one question or answer stand beside its view."""

from __future__ import annotations

from textual.binding import Binding, BindingType

CHAT: list[BindingType] = [
    Binding("escape", "stop", "Stop", show=False),
    Binding("f1", "do('help')", "Help", priority=True),
    Binding("f2", "do('up')", "Good", priority=True),
    Binding("f3", "do('down')", "Not good", priority=True),
    Binding("f4", "do('better')", "Better", priority=True),
    Binding("f5", "do('regenerate')", "Again", priority=True, show=False),
    Binding("f6", "do('blind')", "Blind test", priority=True, show=False),
    Binding("ctrl+t,f7", "do('tonight')", "Tonight", priority=True),
    Binding("f8", "do('revisions')", "Revisions", priority=True),
    Binding("f9", "do('base')", "Base", priority=True, show=False),
    Binding("f10", "do('rollback')", "Back", priority=True, show=False),
    Binding("ctrl+n", "do('new')", "New", priority=True, show=False),
    Binding("ctrl+o", "do('conversations')", "Earlier", priority=True),
    Binding("ctrl+f", "do('search')", "Search", priority=True, show=False),
]
