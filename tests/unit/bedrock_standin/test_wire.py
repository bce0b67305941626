"""Requests and answers, against botocore's own serialiser and parser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from local.bedrock.protocol import wire
from local.bedrock.protocol.errors import ServiceError
from local.bedrock.protocol.router import Router
from local.bedrock.protocol.service import Service, service_model

BEDROCK = service_model("bedrock")
RUNTIME = service_model("bedrock-runtime")
ROUTER = Router([BEDROCK, RUNTIME])
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=any"}

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**31), 2**31),
    "long": st.integers(-(2**40), 2**40),
    "float": st.floats(-1e6, 1e6, width=32),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    # The wire carries milliseconds in answers and whole seconds in botocore's requests.
    "timestamp": st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "blob": st.binary(max_size=20),
}


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape's types; constraints are no business of the wire."""
    if isinstance(shape, StructureShape) and shape.is_tagged_union:
        return st.one_of([st.fixed_dictionaries({name: values(member)}) for name, member in shape.members.items()])
    if isinstance(shape, StructureShape):
        required = {name: values(shape.members[name]) for name in shape.required_members}
        optional = {name: values(member) for name, member in shape.members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member), min_size=1, max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(TEXT, values(shape.value), min_size=1, max_size=2)
    if isinstance(shape, StringShape):
        return TEXT
    return SCALARS[shape.type_name]


OPERATIONS = [
    "CreateModelCustomizationJob",
    "GetModelCustomizationJob",
    "ListModelCustomizationJobs",
    "GetCustomModel",
    "ListCustomModels",
    "CreateCustomModelDeployment",
    "UpdateCustomModelDeployment",
    "ListCustomModelDeployments",
    "CreateProvisionedModelThroughput",
    "GetProvisionedModelThroughput",
    "TagResource",
]


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_botocore_sends_is_what_the_operation_gets(name: str, data: st.DataObject) -> None:
    operation = BEDROCK.operation_model(name)
    given_parameters = data.draw(values(operation.input_shape))  # type: ignore[arg-type]
    sent = create_serializer("rest-json", include_validation=False).serialize_to_request(given_parameters, operation)
    path, headers = urlsplit(sent["url_path"]).path, {k.lower(): v for k, v in sent["headers"].items()}
    match = ROUTER.match(sent["method"], path)
    assert match is not None and match.operation.name == name
    query = [(key, _text(value)) for key, value in sent["query_string"].items()]
    received = wire.parameters(operation, wire.Request(match.labels, query, headers, sent["body"] or b""))
    assert received == given_parameters


def _text(value: Any) -> str:
    """A query value as the HTTP layer of botocore writes it, decoded again."""
    return dict(parse_qsl(f"x={quote(str(value))}", keep_blank_values=True))["x"]


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_answered_is_what_botocore_returns(name: str, data: st.DataObject) -> None:
    operation: OperationModel = BEDROCK.operation_model(name)
    result = data.draw(values(operation.output_shape))  # type: ignore[arg-type]
    answer = wire.answer(operation, result)
    assert answer.status == operation.http["responseCode"]
    response = {"status_code": answer.status, "headers": answer.headers, "body": answer.body}
    parsed = create_parser("rest-json").parse(response, operation.output_shape)
    del parsed["ResponseMetadata"]
    assert parsed == result


@pytest.mark.parametrize("model", [BEDROCK, RUNTIME], ids=["bedrock", "bedrock-runtime"])
def test_every_operation_of_the_model_has_its_route(model: Any) -> None:
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].replace("{", "").replace("}", "")
        match = ROUTER.match(http["method"], path)
        assert match is not None and match.operation.name == name


ARN = "arn:aws:bedrock:us-east-1:000000000000:model-customization-job/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"


@pytest.mark.parametrize("written", [quote(ARN, safe=""), quote(ARN, safe=":"), ARN])
@pytest.mark.parametrize(
    ("method", "end", "operation"),
    [("GET", "", "GetModelCustomizationJob"), ("POST", "/stop", "StopModelCustomizationJob")],
)
def test_an_arn_in_a_path_keeps_its_slashes(written: str, method: str, end: str, operation: str) -> None:
    match = ROUTER.match(method, f"/model-customization-jobs/{written}{end}")
    assert match is not None
    assert (match.operation.name, match.labels) == (operation, {"jobIdentifier": ARN})


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"jobName": NaN}', b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(ServiceError) as refused:
        wire.parameters(BEDROCK.operation_model("TagResource"), wire.Request({}, [], {}, body))
    assert refused.value.code == "SerializationException"


def _service(result: Any) -> Service:
    def operation(_: dict[str, Any]) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return Service([BEDROCK], {"StopModelCustomizationJob": operation, "GetFoundationModel": operation})


@pytest.mark.parametrize("result", [RuntimeError(), {"modelDetails": {"modelArn": "x", "modelId": "x.y"}}, {"z": 1}])
def test_a_bug_and_an_answer_outside_the_model_are_a_500(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    _, answer = _service(result).respond("GET", "/foundation-models/amazon.nova-2-lite-v1:0", [], SIGNED, b"")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (500, "InternalServerException")
    assert "bug in GetFoundationModel" in caplog.text


def test_an_operation_that_is_not_there_says_its_name() -> None:
    _, answer = _service({}).respond("GET", "/guardrails", [], SIGNED, b"")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (501, "UnknownOperationException")
    assert b"ListGuardrails" in answer.body


def test_a_request_without_a_signature_is_refused() -> None:
    _, answer = _service({}).respond("GET", "/foundation-models/amazon.nova-2-lite-v1:0", [], {}, b"")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
