"""`python -m persona.evaluate job.json`: the evaluation's process."""

import sys
from collections.abc import Mapping
from typing import Any

from persona.child import Report, serve_job


def _work(job: Mapping[str, Any], report: Report) -> Mapping[str, Any]:
    from persona.evaluate.job import EvaluationJob  # say what we do before the slow imports
    from persona.evaluate.run import measure

    return measure(EvaluationJob.from_json(job), report).to_json()


if __name__ == "__main__":
    sys.exit(serve_job(_work))
