"""How much a program may ask for at once. It loads pydantic: what quick commands import does without it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Limit = Annotated[int, Field(ge=1, le=1000)]
