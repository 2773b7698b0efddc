"""A real night on a disk that gets full, and one after somebody made room: `full_disk.py FOLDER`.

FOLDER is a small file system of its own. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from night_place import make_home, make_night, small_recipe, starter

from persona.errors import PersonaError
from persona.failure import in_one_tree
from persona.nightly import run_night


def main(place: Path) -> None:
    base = starter()
    home = make_home(place / "home", base, 12)
    filler = place / "filler"

    def fill(event: Mapping[str, Any]) -> None:
        if event.get("step") == "train" and not filler.exists():
            with filler.open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(1 << 20))
                except OSError:
                    return

    found: dict[str, Any] = {}
    night = make_night(home, base, small_recipe(3), on_progress=fill)
    try:
        with in_one_tree():
            run_night(night)
    except PersonaError as error:
        found |= {"exit_code": error.exit_code, "said": str(error), "champion": night.registry.champion()}
    finally:
        night.store.close()
    found["filled"] = filler.stat().st_size
    filler.unlink()
    night = make_night(home, base, small_recipe(3))
    found["outcome"] = str(run_night(night).outcome)
    found["states"] = [str(run.state) for run in night.store.runs.all()]
    found["wrong"] = [str(each) for each in (*night.store.verify(), *night.registry.verify(deep=True))]
    found["staged"] = list(night.registry.staged())
    night.store.close()
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
