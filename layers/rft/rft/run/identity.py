"""Names. One run has one id, and everything made for it carries that id."""

from __future__ import annotations

import hashlib
import re
import unicodedata

MODEL_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
MODEL_MAX_LENGTH = 40
MAX_RUN_ID = MODEL_MAX_LENGTH + 13
RUN_ID_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{12}$"

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def model_slug(text: str) -> str | None:
    """``text`` as a model name (at most 40 of a-z, 0-9 and single hyphens), or None if nothing of it is left.

    >>> model_slug("Ticket Triage (v2)")
    'ticket-triage-v2'
    """
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_SLUG.sub("-", ascii_only.lower()).strip("-")[:MODEL_MAX_LENGTH].strip("-") or None


def run_id(model: str, *origin: str) -> str:
    """The id of the run that ``origin`` asked for: the same origin always gives the same id.

    ``origin`` is what tells one request from another: bucket, key and version of an upload; an Idempotency-Key;
    the id of an event. At most 53 characters of a-z, 0-9 and single hyphens, so that it fits every name Bedrock and
    Step Functions take: execution, job (no underscore), custom model (no two separators in a row), client token,
    deployment, tag value.
    """
    digest = hashlib.sha256("\0".join(origin).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{model}-{digest[:12]}"


def run_folder(run: str) -> str:
    """The key prefix of everything a run leaves in the bucket. Segments hold only characters that Bedrock's
    S3 URI pattern accepts."""
    return f"runs/{run}/"


def grader_key(run: str) -> str:
    """Where OpenAI's grader JSON of a run lies."""
    return f"{run_folder(run)}grader.json"


def held_out_grader_key(run: str) -> str:
    """The same of the grader that took no part in the training, and only compares."""
    return f"{run_folder(run)}comparison/grader.json"


def live_deployment_name(stack: str, model: str) -> str:
    """The name of the deployment that serves a model's users. Another stack's model of the same name has another."""
    return f"{model}-live-{hashlib.sha256(stack.encode()).hexdigest()[:6]}"


def live_parameter(stack: str, model: str) -> str:
    """The SSM parameter whose value is the ARN of a model's live deployment."""
    return f"/{stack}/models/{model}/live"
