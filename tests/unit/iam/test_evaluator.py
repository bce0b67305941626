"""Our evaluator of policies: against AWS's text, and against one that others wrote."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from tests.iam import cases
from tests.iam.evaluator import Decision, Request, Statement, decide, permitted, statements
from tests.iam.matching import NotUnderstood, arn_like
from tests.iam.templates import ROOT

BUCKET = "arn:aws:s3:::data"
ROLE = "arn:aws:iam::111122223333:role/rft/one"


def policy(**changes: Any) -> tuple[Statement, ...]:
    return statements({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/*"} | changes})


def get(key: str = "a", **context: Any) -> Request:
    return Request("s3:GetObject", f"{BUCKET}/{key}", ROLE, {name.replace("_", ":"): v for name, v in context.items()})


def test_two_evaluators_agree_on_two_thousand_policies() -> None:
    generated = cases.generate(2000, seed=6)
    ours = []
    for case in generated:
        context = {name: tuple(v) if isinstance(v, list) else v for name, v in case["context"].items()}
        request = Request(case["action"], case["resource"], case["principal"], context)
        ours.append(decide(statements(case["document"]), request).value)
    python = ROOT / ".tools" / "emulator" / "bin" / "python"
    assert python.exists(), "the emulator isn't installed: run `make setup`"
    done = subprocess.run(
        [python, ROOT / "tests" / "iam" / "independent.py"],
        input=json.dumps(generated),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(done.stdout)
    assert [(case, a, b) for case, a, b in zip(generated, ours, theirs, strict=True) if a != b] == []
    counts = Counter(ours)
    assert all(counts[decision.value] > 200 for decision in Decision), "cases that all end alike compare nothing"


def test_a_no_wins_over_every_yes() -> None:
    both = policy() + policy(Effect="Deny", Resource=f"{BUCKET}/secret/*")
    assert decide(both, get("a")) is Decision.ALLOW
    assert decide(both, get("secret/a")) is Decision.DENY
    assert decide(policy(), Request("s3:PutObject", f"{BUCKET}/a")) is Decision.NOTHING


def test_a_star_of_a_resource_goes_over_colons_and_one_of_an_arn_operator_does_not() -> None:
    rule = "arn:aws:events:us-east-1:111122223333:rule/rft-a"
    assert decide(policy(Action="events:PutRule", Resource="arn:aws:events:us-*"), Request("events:PutRule", rule))
    assert not arn_like(rule, "arn:aws:events:us-*:rule/rft-a:x")
    assert arn_like(rule, "arn:aws:events:*:111122223333:rule/rft-*")
    assert not arn_like(rule, "arn:aws:events:*:444455556666:rule/rft-*")
    assert not arn_like("rft-a", "arn:aws:events:*:*:rule/*"), "no ARN is like no pattern of one"
    key = "aws:SourceArn"
    ours = policy(Condition={"ArnLike": {key: "arn:aws:events:us*:rule/rft-a:x:y"}})
    assert decide(ours, Request("s3:GetObject", f"{BUCKET}/a", context={key: rule})) is Decision.NOTHING
    assert arn_like("arn:aws:lambda:us-east-1:1:function:a:7", "arn:aws:lambda:us-east-1:1:function:*"), "the last part"


def test_a_key_that_a_request_does_not_have() -> None:
    def said(operator: str) -> Decision:
        return decide(policy(Condition={operator: {"s3:prefix": "runs/*"}}), get())

    assert said("StringLike") is Decision.NOTHING
    assert said("StringLikeIfExists") is Decision.ALLOW
    assert said("StringNotEquals") is Decision.ALLOW
    assert said("ForAllValues:StringEquals") is Decision.ALLOW, "an empty set has no value that is another"
    assert said("ForAnyValue:StringEquals") is Decision.NOTHING
    assert decide(policy(Condition={"Null": {"s3:prefix": "true"}}), get()) is Decision.ALLOW
    assert decide(policy(Condition={"Null": {"s3:prefix": "true"}}), get(s3_prefix="a")) is Decision.NOTHING


def test_a_boundary_narrows_and_a_key_has_a_word_of_its_own() -> None:
    narrow = policy(Resource=f"{BUCKET}/runs/*")
    assert permitted(get("a"), policy()) is Decision.ALLOW
    assert permitted(get("a"), policy(), boundary=narrow) is Decision.NOTHING
    assert permitted(get("runs/a"), policy(), boundary=narrow) is Decision.ALLOW
    root = {"AWS": "arn:aws:iam::111122223333:root"}
    of_key = policy(Principal=root, Resource="*")
    assert permitted(get("a"), policy(), needs_resource=True) is Decision.NOTHING
    assert permitted(get("a"), policy(), resource=of_key, needs_resource=True) is Decision.ALLOW
    assert permitted(get("a"), (), resource=of_key, needs_resource=True) is Decision.NOTHING, "root only delegates"
    foreign = policy(Principal={"AWS": "arn:aws:iam::444455556666:root"}, Resource="*")
    assert permitted(get("a"), policy(), resource=foreign, needs_resource=True) is Decision.NOTHING
    refuses = policy(Effect="Deny", Principal="*", Resource="*", Condition={"Bool": {"aws:SecureTransport": False}})
    assert permitted(get("a", aws_SecureTransport="false"), policy(), resource=refuses) is Decision.DENY
    assert permitted(get("a", aws_SecureTransport="true"), policy(), resource=refuses) is Decision.ALLOW


def test_a_service_is_no_account() -> None:
    to_service = policy(Principal={"Service": "bedrock.amazonaws.com"})
    asked = Request("s3:GetObject", f"{BUCKET}/a", "bedrock.amazonaws.com")
    assert decide(to_service, asked) is Decision.ALLOW
    assert decide(to_service, get()) is Decision.NOTHING
    assert decide(policy(Principal={"AWS": "arn:aws:iam::111122223333:root"}), asked) is Decision.NOTHING


@pytest.mark.parametrize(
    "changes",
    [
        {"NotAction": "s3:GetObject"},
        {"NotResource": "*"},
        {"NotPrincipal": "*"},
        {"Effect": "allow"},
        {"Action": "GetObject"},
        {"Principal": {"Federated": "x"}},
        {"Resource": "arn:aws:s3:::data/${aws:username}"},
    ],
)
def test_what_is_not_understood_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        policy(**changes)


def test_an_unknown_operator_and_a_misfit_are_errors() -> None:
    with pytest.raises(NotUnderstood):
        decide(policy(Condition={"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}), get())
    with pytest.raises(NotUnderstood):
        decide(policy(Condition={"ArnLike": {"aws:SourceArn": "*"}}), get(aws_SourceArn="arn:aws:a:b:c:d"))
    with pytest.raises(NotUnderstood):
        decide(policy(Condition={"StringEquals": {"aws:TagKeys": "a"}}), get(aws_TagKeys=("a", "b")))
