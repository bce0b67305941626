"""Every reason to leave a record out, each planted once and found; and what is told about it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import orjson
import pytest

from rft.invocation_logs import FAIL_REASONS, SKIP_REASONS, ConversionCounts, LogConversion, LogOptions, MetadataFilter
from tests.unit.invocation_logs.records import (
    Bodies,
    Json,
    adds_up,
    converse,
    converted,
    lines_of,
    log_object,
    log_record,
    only_line,
    only_reason,
)

HI = {"role": "user", "content": "Hi"}


def said(*content: Json, role: str = "user", **more: Any) -> Json:
    return log_record({"messages": [{"role": role, "content": list(content)}], **more})


def invoked(body: Any, **more: Any) -> Json:
    return log_record(body, operation="InvokeModel", **more)


def without(key: str) -> Json:
    record = log_record()
    del record[key]
    return record


LEFT_OUT: list[tuple[str, str, Json | bytes]] = [
    ("an error", "skipped/error", log_record(errorCode="ThrottlingException")),
    ("an error without a body", "skipped/error", {**without("input"), "errorCode": "ValidationException"}),
    ("embeddings", "skipped/not-a-conversation", invoked({"inputText": "Hi", "dimensions": 256})),
    (
        "old embeddings",
        "skipped/not-a-conversation",
        invoked({"inputText": "Hi"}, modelId="amazon.titan-embed-text-v1"),
    ),
    ("cohere's embeddings", "skipped/not-a-conversation", invoked({"texts": ["Hi"], "input_type": "search_query"})),
    ("an image", "skipped/not-a-conversation", invoked({"taskType": "TEXT_IMAGE", "textToImageParams": {}})),
    ("a prompt for an image", "skipped/not-a-conversation", invoked({"prompt": "A cat", "aspect_ratio": "1:1"})),
    ("reranking", "skipped/not-a-conversation", invoked({"query": "a", "documents": ["b"]})),
    ("another operation", "skipped/not-a-conversation", log_record(operation="StartAsyncInvoke")),
    ("an image to look at", "skipped/not-text", said({"text": "What?"}, {"image": {"format": "png", "source": {}}})),
    ("a document", "skipped/not-text", said({"document": {"name": "a"}}, {"text": "What?"})),
    ("a video", "skipped/not-text", said({"video": {}}, {"text": "What?"})),
    ("anthropic's image", "skipped/not-text", said({"type": "image", "source": {}}, {"type": "text", "text": "What?"})),
    ("openai's image", "skipped/not-text", said({"type": "image_url", "image_url": {}})),
    (
        "an image out of a tool",
        "skipped/not-text",
        said({"toolResult": {"toolUseId": "t", "content": [{"image": {}}]}}),
    ),
    ("a guarded image", "skipped/not-text", said({"guardContent": {"image": {}}})),
    ("no messages", "skipped/no-user-message", log_record({"messages": []})),
    ("a stored prompt", "skipped/no-user-message", log_record({"promptVariables": {"a": {"text": "b"}}})),
    ("a system prompt alone", "skipped/no-user-message", log_record({"system": "Be brief.", "messages": []})),
    ("a prefill", "skipped/ends-with-answer", log_record({"messages": [HI, {"role": "assistant", "content": "{"}]})),
    (
        "a prefill in a template",
        "skipped/ends-with-answer",
        invoked({"prompt": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n{"}),
    ),
    ("a prefill after [/INST]", "skipped/ends-with-answer", invoked({"prompt": "[INST] Hi [/INST] {"})),
    ("a blank text", "skipped/empty-message", said({"text": " \n"})),
    ("no blocks", "skipped/empty-message", said()),
    ("an empty string", "skipped/empty-message", log_record({"messages": [{"role": "user", "content": ""}]})),
    (
        "only thoughts",
        "skipped/empty-message",
        log_record({"messages": [HI, {"role": "assistant", "content": [{"reasoningContent": {}}]}, HI]}),
    ),
    ("an empty result", "skipped/empty-message", said({"type": "tool_result", "tool_use_id": "t"})),
    ("an empty prompt", "skipped/no-user-message", invoked({"prompt": " "})),
    (
        "a late system prompt",
        "skipped/unsupported-roles",
        log_record({"messages": [HI, {"role": "system", "content": "Be brief."}, HI]}),
    ),
    (
        "a tool's turn in a template",
        "skipped/unsupported-roles",
        invoked({"prompt": "<|start_header_id|>ipython<|end_header_id|>1<|eot_id|>"}),
    ),
    (
        "a server's tool",
        "skipped/unsupported-tools",
        log_record({"messages": [HI], "tools": [{"type": "bash_20250124", "name": "bash"}]}),
    ),
    (
        "a tool without a schema",
        "skipped/unsupported-tools",
        log_record({"messages": [HI], "tools": [{"name": "a", "input_schema": {}}]}),
    ),
    (
        "two tools of one name",
        "skipped/unsupported-tools",
        log_record({"messages": [HI], "tools": [{"name": "a", "input_schema": {"type": "object"}}] * 2}),
    ),
    (
        "a call of a server's tool",
        "skipped/unsupported-tools",
        log_record({"messages": [HI, {"role": "assistant", "content": [{"type": "server_tool_use"}]}]}),
    ),
    ("a long prompt", "skipped/too-long", log_record(converse("x" * 1_050_000))),
    ("no JSON", "failed/invalid-json", b"{"),
    ("not a number", "failed/invalid-json", lines_of([log_record()])[:-2] + b', "n": NaN}'),
    ("half a surrogate pair", "failed/invalid-json", lines_of([log_record(converse("\ud800"))])[:-1]),
    ("no UTF-8", "failed/invalid-json", lines_of([log_record()])[:-1].replace(b"Hi", b"\xff")),
    ("very deep", "failed/invalid-json", b"[" * 100_000 + b"]" * 100_000),
    ("two records in a line", "failed/invalid-json", lines_of([log_record()])[:-1] * 2),
    ("a list", "failed/not-a-log-record", b"[1]"),
    ("null", "failed/not-a-log-record", b"null"),
    ("a training record", "failed/not-a-log-record", b'{"messages": []}'),
    ("no request id", "failed/not-a-log-record", without("requestId")),
    ("a request id with a space", "failed/not-a-log-record", log_record(requestId="a b")),
    ("a request id with a newline", "failed/not-a-log-record", log_record(requestId="a\nb")),
    ("a blank request id", "failed/not-a-log-record", log_record(requestId="")),
    ("a number for a request id", "failed/not-a-log-record", log_record(requestId=7)),
    ("a very long request id", "failed/not-a-log-record", log_record(requestId="a" * 5000)),
    ("no operation", "failed/not-a-log-record", without("operation")),
    ("no input", "failed/not-a-log-record", without("input")),
    ("a body of its own that isn't there", "failed/body-missing", log_record(input={"inputBodyS3Path": "s3://b/gone"})),
    ("no body", "failed/body-missing", log_record(input={})),
    ("a body of its own that is no JSON", "failed/body-damaged", log_record(input={"inputBodyS3Path": "s3://b/text"})),
    ("a body of its own cut off", "failed/body-damaged", log_record(input={"inputBodyS3Path": "s3://b/cut"})),
    ("a huge body of its own", "skipped/too-long", log_record(input={"inputBodyS3Path": "s3://b/bomb"})),
    ("a huge plain body of its own", "skipped/too-long", log_record(input={"inputBodyS3Path": "s3://b/huge"})),
    ("another body", "failed/unknown-body", invoked({"words": "Hi"})),
    ("a string for a body", "failed/unknown-body", log_record("Hi")),
    ("a list for an input", "failed/unknown-body", log_record(input=[])),
    ("a list for an operation", "failed/unknown-body", log_record(operation=[])),
    ("an unknown role", "failed/unknown-body", log_record({"messages": [{"role": "narrator", "content": "Hi"}]})),
    ("an unknown block", "failed/unknown-body", said({"smell": {}})),
    ("a number for a text", "failed/unknown-body", said({"text": 5})),
    ("a number for a content", "failed/unknown-body", log_record({"messages": [{"role": "user", "content": 5}]})),
    (
        "a call without an id",
        "failed/unknown-body",
        log_record({"messages": [HI, {"role": "assistant", "content": [{"toolUse": {"name": "a", "input": {}}}]}]}),
    ),
    (
        "tools deeper than can be written",
        "failed/unknown-body",
        log_record(
            {
                "messages": [HI],
                "tools": [{"name": "a", "input_schema": {"type": "object", "a": json.loads("[" * 300 + "]" * 300)}}],
            }
        ),
    ),
]
BODIES = {
    "s3://b/text": b"Hi",
    "s3://b/cut": gzip.compress(b'{"messages": []}')[:-4],
    "s3://b/bomb": gzip.compress(b" " * 10_000_000),
    "s3://b/huge": b" " * 10_000_000,
}


@pytest.mark.parametrize(("reason", "record"), [row[1:] for row in LEFT_OUT], ids=[row[0] for row in LEFT_OUT])
def test_why_a_record_is_left_out(reason: str, record: Json | bytes) -> None:
    assert only_reason(record, bodies=BODIES) == reason


def test_every_reason_has_a_test() -> None:
    tested = {reason.split("/")[1] for _, reason, _ in LEFT_OUT}
    elsewhere = {
        "filtered",
        "no-answer",  # test_answers
        "incomplete-answer",
        "duplicate",  # test_selection
        "over-max-prompts",
        "damaged-gzip",  # test_reading
        "object-too-large",
        "line-too-long",
        "changed-while-read",  # said by those who list objects, tests/contract/test_logs.py
        "reference-unusable",
    }
    assert tested | elsewhere == SKIP_REASONS.keys() | FAIL_REASONS.keys()
    assert not tested & elsewhere


def test_planted_among_good_ones_each_is_counted_and_each_failure_has_its_line() -> None:
    records: list[Json | bytes] = []
    for _, _, record in LEFT_OUT:
        records += [log_record(number=len(records)), record]
    conversion, candidates = converted(*records, bodies=BODIES)
    planted = Counter(reason for _, reason, _ in LEFT_OUT)
    found = {f"skipped/{reason}": times for reason, times in conversion.counts.skipped.items()}
    found |= {f"failed/{reason}": times for reason, times in conversion.counts.failed.items()}
    assert found == planted
    assert len(candidates) == conversion.counts.converted == len(LEFT_OUT)
    failures = [(2 * n + 2, reason[7:]) for n, (_, reason, _) in enumerate(LEFT_OUT) if reason.startswith("failed/")]
    assert [(problem.line, problem.reason) for problem in conversion.problems] == failures
    assert {problem.object for problem in conversion.problems} == {"logs/a.json.gz"}


def test_a_body_of_its_own_is_read() -> None:
    bodies = {
        "s3://b/in": gzip.compress(orjson.dumps(converse("Long"))),
        "s3://b/out": orjson.dumps(log_record()["output"]["outputBodyJson"]),
    }
    record = log_record(
        input={"inputBodyS3Path": "s3://b/in"}, output={"outputBodyJson": None, "outputBodyS3Path": "s3://b/out"}
    )
    made = only_line(record, bodies=bodies, use_prompt_response=True)
    assert made["messages"] == [{"role": "user", "content": "Long"}]
    assert made["reference_answer"] == "Hello!"
    assert (
        only_reason(record, bodies={"s3://b/in": bodies["s3://b/in"]}, use_prompt_response=True)
        == "failed/body-missing"
    )
    assert only_line(record, bodies={"s3://b/in": bodies["s3://b/in"]})  # the answer's isn't even asked for


def test_what_the_filter_leaves_out_is_not_looked_at() -> None:
    wanted = MetadataFilter.all_equal({"project": "demo"})
    assert only_line(log_record(requestMetadata={"project": "demo"}), metadata_filter=wanted)
    for other in (
        log_record(),
        log_record("?", requestMetadata={"project": "x"}),
        log_record(errorCode="E", requestMetadata=5),
    ):
        assert only_reason(other, metadata_filter=wanted) == "skipped/filtered"


def test_blank_lines_and_a_byte_order_mark_are_nothing() -> None:
    good = lines_of([log_record()])
    conversion, candidates = converted(b"\xef\xbb\xbf" + good[:-1], b"", b" \t", good[:-1] + b"\r")
    assert conversion.counts == ConversionCounts(2, 2)
    assert len(candidates) == 2


def test_a_secret_never_shows_in_counts_or_problems() -> None:
    secret = "s3cr3t-w0rd"
    records: list[Json | bytes] = [
        secret.encode(),
        log_record({secret: secret}, operation="InvokeModel"),
        {secret: secret},
        said({secret: secret}),
    ]
    conversion, _ = converted(*records)
    assert conversion.counts.failed.total() == 4
    assert secret not in json.dumps([conversion.counts.to_json(), [p.to_json() for p in conversion.problems]])


def test_the_list_of_problems_is_capped_and_keeps_the_rare_ones() -> None:
    conversion, _ = converted(*[b"{"] * 500, log_record("?"))
    assert len(conversion.problems) <= 100
    assert conversion.problems[-1].reason == "unknown-body"
    assert conversion.counts.failed == {"invalid-json": 500, "unknown-body": 1}


def test_counts_travel_as_json_and_add_up() -> None:
    one, _ = converted(log_record(), b"{", log_record(errorCode="E"))
    two, _ = converted(log_record(), b"{")
    total = ConversionCounts.from_json(json.loads(json.dumps(one.counts.to_json())))
    total.merge(two.counts)
    assert total.to_json() == {"records": 5, "converted": 2, "skipped": {"error": 1}, "failed": {"invalid-json": 2}}
    assert total.failed_share.value == 2 / 5
    assert ConversionCounts().failed_share.value == 0


def test_what_the_filter_leaves_out_does_not_water_down_the_share_of_failures() -> None:
    wanted = MetadataFilter.all_equal({"project": "demo"})
    conversion, _ = converted(
        *[log_record()] * 98, *[log_record("?", requestMetadata={"project": "demo"})] * 2, metadata_filter=wanted
    )
    assert conversion.counts.failed_share.value == 1
    assert str(conversion.counts.failed_share) == (
        "100.0% of the log records that the filter lets through can't be read (2 of 2: unknown-body 2)"
    )


def test_damage_before_the_filter_is_a_share_of_all_records() -> None:
    """Nobody knows whose records they were, so they aren't held against the few that the filter lets through."""
    counts = ConversionCounts(100_000, 120, Counter(filtered=99_830), Counter({"damaged-gzip": 50}))
    assert counts.failed_share.value == 0.0005
    assert str(counts.failed_share) == "0.1% of the log records can't be read (50 of 100,000: damaged-gzip 50)"
    counts.failed["body-missing"] = 60
    counts.converted -= 60
    assert (counts.failed_share.value, counts.failed_share.records) == (60 / 120, 120)


@pytest.mark.parametrize("reason", FAIL_REASONS)
def test_a_failure_is_held_against_the_admitted_records_if_the_filter_came_first(reason: str) -> None:
    """Told by the records themselves: which failures a filter that admits nothing leaves over."""
    behind = {"body-missing", "body-damaged", "unknown-body"}
    counts = ConversionCounts(10, 1, Counter(filtered=8), Counter({reason: 1}))
    assert counts.failed_share.value == (1 / 2 if reason in behind else 1 / 10)
    nothing = MetadataFilter.all_equal({"no": "body"})
    for _, expected, record in LEFT_OUT:
        kind, _, found = expected.partition("/")
        if kind == "failed" and found == reason:
            outcome = only_reason(record, metadata_filter=nothing)
            assert outcome == ("skipped/filtered" if reason in behind else expected)


def test_one_conversion_takes_object_after_object() -> None:
    conversion = LogConversion(LogOptions(), Bodies())
    for name in ("a", "b"):
        assert len(list(conversion.convert(name, [log_object(log_record(), b"{")]))) == 1
    assert conversion.counts == ConversionCounts(4, 2, Counter(), Counter({"invalid-json": 2}))
    assert [(problem.object, problem.line) for problem in conversion.problems] == [("a", 2), ("b", 2)]
    assert adds_up(conversion)
