"""A task of the Windows Task Scheduler, begun when the person logs on."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # it writes; nothing is parsed
from pathlib import Path, PureWindowsPath
from subprocess import list2cmdline

from adapters.durable import make_directory, remove_file, write_file
from persona.errors import ServiceFailed
from persona.service.port import OUTDATED, Changed, Command, ServiceStatus, demand, run_command
from persona.service.program import Program

TASK = "persona"
_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_SETTINGS = {
    "MultipleInstancesPolicy": "IgnoreNew",
    # The daemon answers on a battery too; its nights look at the power themselves.
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "true",
    "Hidden": "true",
    "ExecutionTimeLimit": "PT0S",
}


class TaskService:
    def __init__(self, program: Program, *, run: Command = run_command) -> None:
        self._program, self._run = program, run

    @property
    def file(self) -> Path:
        return self._program.home / "service" / f"{TASK}.xml"

    def text(self) -> str:
        program, *arguments = self._program.command
        task = ET.Element("Task", {"version": "1.3", "xmlns": _NAMESPACE})
        about = ET.SubElement(task, "RegistrationInfo")
        _put(about, "Description", f"persona {self._program.version}, a personal model that learns overnight")
        _put(ET.SubElement(ET.SubElement(task, "Triggers"), "LogonTrigger"), "Enabled", "true")
        principal = ET.SubElement(ET.SubElement(task, "Principals"), "Principal", {"id": "Author"})
        _put(principal, "LogonType", "InteractiveToken")
        _put(principal, "RunLevel", "LeastPrivilege")
        settings = ET.SubElement(task, "Settings")
        for name, value in _SETTINGS.items():
            _put(settings, name, value)
        restart = ET.SubElement(settings, "RestartOnFailure")
        _put(restart, "Interval", "PT1M")
        _put(restart, "Count", "5")
        execute = ET.SubElement(ET.SubElement(task, "Actions", {"Context": "Author"}), "Exec")
        _put(execute, "Command", program)
        _put(execute, "Arguments", list2cmdline(arguments))
        _put(execute, "WorkingDirectory", str(PureWindowsPath(self._program.home)))
        ET.indent(task)
        body = ET.tostring(task, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-16"?>\n{body}\n'

    def install(self) -> Changed:
        text = self.text().encode("utf-16")
        before = self.file.read_bytes() if self.file.exists() else None
        if text != before:
            make_directory(self.file.parent)
            write_file(self.file, text)
            demand(self._run, ["schtasks", "/Create", "/TN", TASK, "/XML", str(self.file), "/F"])
            self._run(["schtasks", "/End", "/TN", TASK])  # one that does not run cannot be ended
        self.start()
        if text == before:
            return Changed.UNCHANGED
        return Changed.INSTALLED if before is None else Changed.UPDATED

    def uninstall(self) -> bool:
        if not self.file.exists():
            return False
        self._run(["schtasks", "/End", "/TN", TASK])
        demand(self._run, ["schtasks", "/Delete", "/TN", TASK, "/F"])
        remove_file(self.file)
        return True

    def start(self) -> None:
        demand(self._run, ["schtasks", "/Run", "/TN", TASK])

    def stop(self) -> None:
        demand(self._run, ["schtasks", "/End", "/TN", TASK])

    def status(self) -> ServiceStatus:
        if not self.file.exists():
            return ServiceStatus(
                installed=False,
                running=False,
                says="no task",
                advice="`persona service install` makes it start with every logon",
            )
        shown = demand(self._run, ["schtasks", "/Query", "/TN", TASK, "/FO", "CSV", "/NH"])
        state = shown.strip().rsplit(",", 1)[-1].strip('"')
        running = state == "Running"
        outdated = OUTDATED if self.file.read_bytes() != self.text().encode("utf-16") else ""
        return ServiceStatus(
            installed=True,
            running=running,
            says=state,
            advice=outdated or ("" if running else "`persona service start` starts it"),
        )

    def log_command(self, lines: int, *, follow: bool) -> list[str]:
        del lines, follow
        raise ServiceFailed(["schtasks"], "Windows keeps no log of it: run `persona serve` in a terminal")


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text
