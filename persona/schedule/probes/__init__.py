"""What the machine says about itself and the person at it: one small class a source, all behind `Probe`."""

from persona.schedule.probes.panel import Panel, Sources
from persona.schedule.probes.port import Probe, Reading
from persona.schedule.probes.traffic import OwnTraffic

__all__ = ["OwnTraffic", "Panel", "Probe", "Reading", "Sources"]
