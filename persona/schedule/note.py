"""A note on the desktop about how the night went. It says what happened, never what anyone wrote."""

from __future__ import annotations

import base64
import sys
from typing import Protocol
from xml.sax.saxutils import escape

from persona.schedule.circumstances import Missing
from persona.schedule.probes.port import Ask, ask_program

_TITLE = "persona"
_WINDOWS_APP = r"{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe"
_TOAST = """
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$null = [Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom.XmlDocument, ContentType = WindowsRuntime]
$xml = New-Object Windows.Data.Xml.Dom.XmlDocument
$xml.LoadXml('{xml}')
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier('{app}').Show($xml)
"""  # noqa: E501  # PowerShell has no shorter names for them


class Note(Protocol):
    """`show` puts one line on the desktop, or says why it cannot. It raises nothing and may take seconds."""

    def show(self, text: str) -> Missing | None: ...


class NoNote:
    """Where notes are switched off, or the system is one that we do not know."""

    def show(self, text: str) -> Missing | None:
        del text
        return None


class DesktopNote:
    """Asks the system's own program."""

    def __init__(self, platform: str, ask: Ask = ask_program) -> None:
        self._platform, self._ask = platform, ask

    def show(self, text: str) -> Missing | None:
        said = self._ask(_command(self._platform, text))
        return said if isinstance(said, Missing) else None


def desktop_note(platform: str = sys.platform) -> Note:
    return DesktopNote(platform) if platform in ("linux", "darwin", "win32") else NoNote()


def _command(platform: str, text: str) -> list[str]:
    """`text` is always an argument or escaped, never a piece of a script."""
    if platform == "darwin":
        script = [
            "on run argv",
            "display notification (item 2 of argv) with title (item 1 of argv)",
            "end run",
        ]
        return ["osascript", *(part for line in script for part in ("-e", line)), _TITLE, text]
    if platform == "win32":
        words = "".join(f"<text>{escape(line)}</text>" for line in (_TITLE, text))
        xml = f'<toast><visual><binding template="ToastGeneric">{words}</binding></visual></toast>'
        script_text = _TOAST.format(xml=xml.replace("'", "''"), app=_WINDOWS_APP)
        encoded = base64.b64encode(script_text.encode("utf-16-le")).decode()
        return ["powershell", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]
    return ["notify-send", "--app-name=persona", "--urgency=low", "--", _TITLE, text]
