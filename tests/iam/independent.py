"""The emulator's own evaluator over a batch of cases.

Run by the emulator's interpreter, which has nothing of the tests on its path. Reads a JSON list of cases (as
tests/iam/cases.py makes them), writes the list of decisions.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate,
    evaluate_resource_policy,
    parse_policy_document,
)


def decision(case: dict[str, Any]) -> str:
    context = EvalContext(
        principal_arn=case["principal"],
        principal_type="AssumedRole",
        principal_account="111122223333",
        action=case["action"],
        resource_arn=case["resource"],
        region="us-east-1",
        service_context={name.lower(): value for name, value in case["context"].items()},
    )
    if case["is_resource_policy"]:
        return str(evaluate_resource_policy(case["document"], context).decision)
    return str(evaluate(context, [parse_policy_document(case["document"])]).decision)


if __name__ == "__main__":
    json.dump([decision(case) for case in json.load(sys.stdin)], sys.stdout)
