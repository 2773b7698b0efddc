"""Bases: the frozen models that adapters are built on, prepared once and then only read."""

from persona.base.folder import load_base, prepared_bases, verify_base
from persona.base.prepare import prepare_base
from persona.base.record import Base, FingerprintParts

__all__ = ["Base", "FingerprintParts", "load_base", "prepare_base", "prepared_bases", "verify_base"]
