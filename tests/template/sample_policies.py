"""The sample policies of docs/policies, filled in for one stack."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.iam.evaluator import Decision, Request, Statement, decide, statements
from tests.iam.matching import Context
from tests.template.as_deployed import BOUNDARY, STACK

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "policies"
PAGE = (FOLDER / "README.md").read_text()
PATHS = sorted(FOLDER.glob("*.json"))
DEPLOYING = (
    "deploy.json",
    "deploy-keys.json",
    "deploy-functions.json",
    "deploy-services.json",
    "deploy-network.json",
    "deploy-waf.json",
)
FILLED_IN = {
    "ACCOUNT": "111122223333",
    "REGION": "us-east-1",
    "STACK": STACK,
    "ARTIFACTS": "rft-artifacts",
    "BOUNDARY": BOUNDARY.rpartition("/")[2],
    "BUCKET": f"{STACK}-databucket-1a2b3c4d5e6f",
    "LOG_BUCKET": "account-invocation-logs",
    "DATA_KEY": "0f1e2d3c-0000-4000-8000-000000000000",
    "TOPIC": f"{STACK}-Topic-1a2b3c4d5e6f",
    "API": "a1b2c3d4e5",
    "WEB_ACL": "edge/0f1e2d3c-0000-4000-8000-000000000001",
    "MODEL": "triage",
    "TENANT": "support",
    "RULE": "tell-support",
}
_PLACEHOLDER = re.compile(r"\b[A-Z][A-Z_]{2,}\b")
_NOT_PLACEHOLDERS = {"GET", "POST", "PUT", "PATCH", "DELETE", "RFT"}  # verbs, and the name of an event


def placeholders(path: Path) -> set[str]:
    return set(_PLACEHOLDER.findall(path.read_text())) - _NOT_PLACEHOLDERS


def filled_in(name: str, values: Mapping[str, str] = FILLED_IN) -> dict[str, Any]:
    text = (FOLDER / name).read_text()
    document: dict[str, Any] = json.loads(_PLACEHOLDER.sub(lambda word: values.get(word[0], word[0]), text))
    return document


def policy(*names: str) -> tuple[Statement, ...]:
    """The statements of sample policies that one person has, each named after its file."""
    return tuple(statement for name in names for statement in statements(filled_in(name), name))


def allowed(having: tuple[Statement, ...], action: str, resource: str, context: Context | None = None) -> bool:
    return decide(having, Request(action, resource, context=context or {})) is Decision.ALLOW
