"""The daemon as a service of the person's own session: systemd, launchd or the Windows Task Scheduler."""

from persona.service.choice import KINDS, service_for
from persona.service.port import Changed, Service, ServiceStatus
from persona.service.program import Program

__all__ = ["KINDS", "Changed", "Program", "Service", "ServiceStatus", "service_for"]
