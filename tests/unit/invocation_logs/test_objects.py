"""What an object of a log bucket is, by its key."""

from __future__ import annotations

import pytest

from rft.invocation_logs import ObjectKind, object_kind

HOUR = "logs/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/01/01/00"


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (f"{HOUR}/20260101T000000000Z_0a1b.json.gz", "log"),
        ("a.json", "log"),
        ("a.jsonl", "log"),
        ("data/a.jsonl.gz", "log"),  # a folder of somebody's own that is named so
        (f"{HOUR}/data/0a1b_input.json.gz", "body"),
        (f"{HOUR}/data/0a1b_output.json.gz", "body"),
        (f"{HOUR}/data/0a1b.bin", "body"),
        ("data/0a1b_input.json.gz", "body"),
        (
            "logs/AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check",
            "permission-check",
        ),
        ("amazon-bedrock-logs-permission-check", "permission-check"),
        ("run.json", "other"),
        ("logs/run.json", "other"),
        ("logs/readme.txt", "other"),
        ("logs/a.csv.gz", "other"),
    ],
)
def test_kinds(key: str, kind: str) -> None:
    assert object_kind(key, 100) is ObjectKind(kind)
    assert object_kind(key, 0) is (ObjectKind.PERMISSION_CHECK if kind == "permission-check" else ObjectKind.EMPTY)


def test_a_folder_marker_is_empty() -> None:
    assert object_kind("logs/", 0) is ObjectKind.EMPTY
