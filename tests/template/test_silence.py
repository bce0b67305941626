"""Nothing that the stack writes down of itself has room for what data, answers or requests say."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.template import translation
from tests.template.as_deployed import deployed

# What a line of the API's log may hold: who, what route, how it ended.
OF_A_CALL = {
    "requestId",
    "requestTime",
    "identity.userArn",
    "identity.caller",
    "identity.sourceIp",
    "httpMethod",
    "resourcePath",
    "status",
    "responseLatency",
    "integrationLatency",
    "responseLength",
    "error.responseType",
    "xrayTraceId",
    "wafResponseCode",
}
CODE = ("functions", "layers/rft")
TELLING = {
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
    "POWERTOOLS_TRACER_CAPTURE_ERROR",
    "POWERTOOLS_LOGGER_LOG_EVENT",
    "POWERTOOLS_DEV",
}
"""Environment variables by which Powertools writes down events, answers or errors."""


def resources_of(kind: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    stack = deployed(parameters or {})
    return dict(stack.of_type(kind))


def test_no_function_is_told_to_write_down_events_answers_or_errors() -> None:
    functions = resources_of("AWS::Lambda::Function")
    assert len(functions) > 20
    for name, function in functions.items():
        assert TELLING.isdisjoint(function["Environment"]["Variables"]), name


def calls() -> Iterator[tuple[str, ast.Call | ast.ImportFrom | ast.Import]]:
    """Every import and call of the code that functions run."""
    for folder in CODE:
        for path in sorted((translation.ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call | ast.ImportFrom | ast.Import):
                    yield str(path), node


def test_no_code_puts_anything_into_a_trace_or_logs_its_event() -> None:
    """Lambda's own tracing has times and names; what else a trace holds code has to put there, and here none does."""
    for path, node in calls():
        if isinstance(node, ast.Call):
            assert not any(one.arg == "log_event" for one in node.keywords), path
        else:
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not any(re.search("tracing|Tracer|aws_xray_sdk|opentelemetry", name) for name in names), path


def test_traces_are_on_and_the_log_of_executions_has_no_data() -> None:
    for name, function in resources_of("AWS::Lambda::Function").items():
        assert function["TracingConfig"] == {"Mode": "Active"}, name
    (machine,) = resources_of("AWS::StepFunctions::StateMachine").values()
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}


def test_a_line_of_the_apis_log_holds_no_body_no_query_and_no_header() -> None:
    (stage,) = resources_of("AWS::ApiGateway::Stage").values()
    assert set(re.findall(r"\$context\.([\w.]+)", stage["AccessLogSetting"]["Format"])) <= OF_A_CALL
    assert "$input" not in stage["AccessLogSetting"]["Format"]
    for settings in stage["MethodSettings"]:
        assert (settings["DataTraceEnabled"], settings["LoggingLevel"]) == (False, "OFF")
    assert stage["TracingEnabled"] is True


def test_dead_letters_are_encrypted_private_and_forgotten() -> None:
    """An event that couldn't be taken lies there whole: a request that came by event has its grader's JSON in it."""
    queues = resources_of("AWS::SQS::Queue")
    assert queues.keys() == {"UndeliveredEvents", "FailedEvents"}
    keys = deployed().nested("Keys").output("MessageKeyArn")
    for queue in queues.values():
        assert (queue["KmsMasterKeyId"], queue["MessageRetentionPeriod"]) == (keys, 14 * 86_400)
    said = [one for p in resources_of("AWS::SQS::QueuePolicy").values() for one in p["PolicyDocument"]["Statement"]]
    assert {json.dumps(one["Action"]) for one in said if one["Effect"] == "Allow"} == {'"sqs:SendMessage"'}
