"""What an object of a log bucket is, told by its key.

Bedrock writes ``[prefix/]AWSLogs/<account>/BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/<name>.json.gz``, beside
them ``.../data/<request id>_input.json.gz`` and ``_output.json.gz`` for large bodies, and once an object that only
tries whether it may write (user guide, "Monitor model invocation").
"""

from __future__ import annotations

from enum import StrEnum

LOG_ENDINGS = (".json.gz", ".jsonl.gz", ".json", ".jsonl")
PERMISSION_CHECK = "amazon-bedrock-logs-permission-check"
MAX_KEY_BYTES = 1_024
OWN_NAMES = ("run.json",)  # a request for a run, which may lie beside the logs that it is about


class ObjectKind(StrEnum):
    LOG = "log"
    BODY = "body"
    PERMISSION_CHECK = "permission-check"
    OTHER = "other"
    EMPTY = "empty"


def object_kind(key: str, size: int) -> ObjectKind:
    """Only objects of the kind LOG hold records; ``size`` is in bytes."""
    folder, _, name = key.rpartition("/")
    if name.startswith(PERMISSION_CHECK):
        return ObjectKind.PERMISSION_CHECK
    if size == 0:
        return ObjectKind.EMPTY
    if f"/{folder}".endswith("/data") and ("_input" in name or "_output" in name or "/AWSLogs/" in f"/{folder}"):
        return ObjectKind.BODY
    if name.endswith(LOG_ENDINGS) and name not in OWN_NAMES:
        return ObjectKind.LOG
    return ObjectKind.OTHER


def body_keys(uri: str, *, bucket: str, prefix: str, log_key: str) -> list[str]:
    """Where in ``bucket`` the body may lie that a record of the log ``log_key`` names as ``uri``; likeliest first.

    The path comes out of the data, so it leads only to keys below ``prefix`` (which ends with a slash, or is empty).
    Logs that were copied keep the paths of the place they were written to: then the body is where Bedrock puts it, in
    ``data/`` beside its log. An empty list for what can't be the key of a body.
    """
    named, _, key = uri.removeprefix("s3://").partition("/")
    parts = key.split("/")
    if not uri.startswith("s3://") or not parts[-1] or not {".", ".."}.isdisjoint(parts) or not key.isprintable():
        return []
    keys = [key] if named == bucket and key.startswith(prefix) else []
    keys.append(f"{''.join(log_key.rpartition('/')[:2])}data/{parts[-1]}")
    return [place for place in dict.fromkeys(keys) if len(place.encode()) <= MAX_KEY_BYTES]
