"""Every constraint of the service model, checked on Python values."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from local.bedrock.protocol.service import service_model
from local.bedrock.protocol.shapes import violations

BEDROCK = service_model("bedrock")
RUNTIME = service_model("bedrock-runtime")


def places(name: str, value: Any, model: ServiceModel = BEDROCK) -> list[str]:
    return [re.findall(r"'(.*?)'", text)[0] for text in violations(model.shape_for(name), value)]


@pytest.mark.parametrize(
    ("member", "value", "rule"),
    [
        ("epochCount", 0, "greater than or equal to 1"),
        ("epochCount", 99, "less than or equal to 50"),
        ("epochCount", 2.0, "of type integer"),
        ("epochCount", True, "of type integer"),
        ("epochCount", "2", "of type integer"),
        ("batchSize", 8, "greater than or equal to 16"),
        ("learningRate", 9.0, "less than or equal to 0.001"),
        ("learningRate", float("nan"), "of type float"),
        ("reasoningEffort", "zzz", "enum value set: [low, medium, high]"),
        ("evalInterval", 1000, "less than or equal to 100"),
        ("trainingSamplesPerPrompt", 4, "Member is unknown"),
    ],
)
def test_a_bad_hyperparameter_is_named_with_its_rule(member: str, value: Any, rule: str) -> None:
    (text,) = violations(BEDROCK.shape_for("RFTHyperParameters"), {member: value}, "rft")
    assert text.startswith(f"Value at 'rft.{member}' failed to satisfy constraint: ")
    assert rule in text


@given(st.integers(-5, 600))
def test_a_number_is_accepted_exactly_within_its_bounds(batch_size: int) -> None:
    broken = violations(BEDROCK.shape_for("RFTHyperParameters"), {"batchSize": batch_size})
    assert (not broken) == (16 <= batch_size <= 512)


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        ("JobName", "a.b+c-d", "under_score"),
        ("CustomModelName", "a_b-c", "a--b"),
        ("IdempotencyToken", "a-b", "a_b"),
        ("S3Uri", "s3://bucket/a/b.jsonl", "s3://b/dt=1/x"),
        ("S3Uri", "s3://bucket", "s3://bucket//x"),
        ("RoleArn", "arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:user/x"),
    ],
)
def test_patterns_hold_for_the_whole_value(shape: str, good: str, bad: str) -> None:
    assert violations(BEDROCK.shape_for(shape), good) == []
    assert "regular expression pattern" in violations(BEDROCK.shape_for(shape), bad, "x")[0]


def test_all_violations_come_at_once_with_their_places() -> None:
    value = {
        "jobName": "under_score",
        "customModelName": "fine",
        "trainingDataConfig": {"s3Uri": "nowhere"},
        "outputDataConfig": {"s3Uri": "s3://bucket/out", "kmsKeyId": "x"},
        "baseModelIdentifier": "amazon.nova-2-lite-v1:0:256k",
        "jobTags": [{"key": "fine", "value": "fine"}, {"key": "", "value": "fine"}],
        "customizationConfig": {"rftConfig": {"hyperParameters": {"batchSize": 8}}, "distillationConfig": {}},
    }
    assert sorted(places("CreateModelCustomizationJobRequest", value)) == [
        "customizationConfig",
        "customizationConfig.distillationConfig.teacherModelConfig",
        "customizationConfig.rftConfig.hyperParameters.batchSize",
        "jobName",
        "jobTags.2.member.key",
        "outputDataConfig.kmsKeyId",
        "roleArn",
        "trainingDataConfig.s3Uri",
    ]


@pytest.mark.parametrize("union", [{}, {"text": "a", "cachePoint": {"type": "default"}}])
def test_a_union_has_exactly_one_member(union: dict[str, Any]) -> None:
    assert places("ContentBlock", union, RUNTIME) == [""]


def test_a_map_counts_its_entries_and_checks_both_sides() -> None:
    assert places("RequestMetadataMap", {"a": "b", "c": "d"}) == [""]
    assert places("RequestMetadataMap", {"?": "b"}) == [".?.key"]


def test_a_document_may_hold_anything() -> None:
    assert violations(RUNTIME.shape_for("Document"), {"any": [1, None, {"x": 2.5}]}) == []


_ORIGINAL = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9\+\-\.])*", re.ASCII)


@given(st.text("aZ0+-._ é", min_size=1, max_size=12))
def test_the_linear_form_of_the_job_name_pattern_means_the_same(name: str) -> None:
    assert (not violations(BEDROCK.shape_for("JobName"), name)) == bool(_ORIGINAL.fullmatch(name))


def test_a_hostile_job_name_takes_no_time() -> None:
    began = time.perf_counter()
    assert violations(BEDROCK.shape_for("JobName"), "a" + "-" * 61 + "_")
    assert violations(BEDROCK.shape_for("ModelCustomizationJobIdentifier"), "a" + "-" * 900 + "_")
    assert time.perf_counter() - began < 0.5
