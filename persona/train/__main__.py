"""`python -m persona.train job.json`: the trainer's process."""

import sys
from collections.abc import Mapping
from typing import Any

from persona.child import Report, serve_job


def _work(job: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    from persona.train.build import build  # torch, seconds to import: say what we do first
    from persona.train.job import TrainingJob

    return build(TrainingJob.from_json(job), report).to_json()


if __name__ == "__main__":
    sys.exit(serve_job(_work))
