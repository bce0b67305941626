"""The routes of what a run found, through the API's own handler: report, approval, models, playground."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from functions.api.app import handler
from rft.aws import clients, links
from rft.aws.clock import now
from rft.aws.model_store import Live
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.environment import Environment
from rft.steps.pipeline import Pipeline
from tests.run_table import create_run_table

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "rft-data-123456789012"
CALLER = "arn:aws:iam::123456789012:user/developer"
MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/abcdefghijk1"
DEPLOYMENT = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijk1"
GAIN = {"mean": 0.64, "low": 0.57, "high": 0.71, "confidence": 0.95}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "STACK_NAME": "rft",
    "DATA_BUCKET": BUCKET,
    "RUN_TABLE": "runs",
    "AWAIT_JOB_FUNCTION": "await-job",
    "COMPARE_MODELS_FUNCTION": "compare-models",
}
Json = dict[str, Any]
Make = Callable[..., str]


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    """One table for all tests here: each has runs and models of its own."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        clients._made.cache_clear()
        links._signer.cache_clear()
        create_run_table(boto3.client("dynamodb"))
        place = {"LocationConstraint": "eu-west-1"}
        boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)  # type: ignore[arg-type]
        yield Pipeline(Environment())
        clients.client("dynamodb").close()
    clients._made.cache_clear()
    links._signer.cache_clear()


@pytest.fixture
def make(pipeline: Pipeline) -> Make:
    def made(model: str, number: int = 1, status: Status = Status.COMPARING, **attributes: Any) -> str:
        run_id = f"{model}-{number:012x}"
        at = f"2026-01-{number:02}T12:00:00.000Z"
        assert pipeline.store.create(Run(run_id, model, status, at, at, **attributes))
        return run_id

    return made


def call(name: str, *, path: str | None = None, body: Any = None, query: Json | None = None, **identity: Any) -> Any:
    """The answer of the API to an event of events/, changed where that is asked for."""
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    event["path"] = path or event["path"]
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    event["multiValueQueryStringParameters"] = {key: [value] for key, value in (query or {}).items()}
    event["queryStringParameters"] = query
    event["requestContext"]["identity"] |= identity
    context = SimpleNamespace(
        function_name="api", memory_limit_in_mb=1024, invoked_function_arn="arn", aws_request_id="request"
    )
    return handler(event, context)  # type: ignore[arg-type]


def told(answer: Any) -> tuple[int, Any]:
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def reported(make: Make) -> str:
    uris = {"report": "report.html", "markdown": "report.md", "manifest": "manifest.json"}
    folder = f"s3://{BUCKET}/runs/reported-000000000001"
    left = {f"{kind}_uri": f"{folder}/{name}" for kind, name in uris.items()}
    return make("reported", 1, Status.PROMOTED, report=left)


def test_the_report_is_three_links_for_a_quarter_of_an_hour(
    pipeline: Pipeline, reported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = call("api_get_report", path=f"/runs/{reported}/report")
    status, links_ = told(answer)
    assert status == 200
    assert answer["multiValueHeaders"]["Cache-Control"] == ["no-store"]
    ends = datetime.fromisoformat(links_.pop("expires_at"))
    assert timedelta(minutes=14) < ends - datetime.now(UTC) <= timedelta(minutes=15)
    shown = {}
    for name, url in links_.items():
        parts, asked = urlsplit(url), {key: value for key, (value,) in parse_qs(urlsplit(url).query).items()}
        # The host of its own region: S3 answers for a new bucket nowhere else, and SigV4 has the host signed.
        assert parts.netloc == f"{BUCKET}.s3.eu-west-1.amazonaws.com"
        assert (asked["X-Amz-Algorithm"], asked["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "900")
        shown[name] = (parts.path, asked["response-content-type"], asked["response-content-disposition"])
    folder = "/runs/reported-000000000001"
    inline = 'inline; filename="reported-000000000001-'
    assert shown == {
        "report_url": (f"{folder}/report.html", "text/html; charset=utf-8", f'{inline}report.html"'),
        "markdown_url": (f"{folder}/report.md", "text/plain; charset=utf-8", f'{inline}report.md"'),
        "manifest_url": (f"{folder}/manifest.json", "application/json", f'{inline}manifest.json"'),
    }
    printed = capsys.readouterr()
    assert "X-Amz" not in printed.out + printed.err, "a link is a right to read, so no log has it"


@pytest.mark.parametrize(
    ("number", "status", "attributes", "reason"),
    [
        (2, Status.TRAINING, {}, "the run is still training: its report is written when it has ended"),
        (3, Status.KEPT, {"ended_at": "now"}, "is being written"),
        (4, Status.KEPT, {"ended_at": "2026-01-04T12:00:00.000Z"}, "ended as kept without a report"),
        (5, Status.REJECTED, {"ended_at": "now", "notified_at": "now"}, "ended as rejected without a report"),
    ],
)
def test_while_there_is_no_report_the_reason_is_told(
    make: Make, number: int, status: Status, attributes: Json, reason: str
) -> None:
    times = {name: now() if value == "now" else value for name, value in attributes.items()}
    run_id = make("reported", number, status, **times)
    code, problem = told(call("api_get_report", path=f"/runs/{run_id}/report"))
    assert (code, problem["title"]) == (404, "There is no report")
    assert reason in problem["detail"]


@pytest.mark.parametrize("name", ["api_get_report", "api_post_approve"])
def test_a_run_that_is_not_there(pipeline: Pipeline, name: str) -> None:
    code, problem = told(call(name))
    assert (code, problem["title"]) == (404, "There is no such run")


WAITING = {"state": "waiting", "since": "a", "until": "2026-02-01T12:00:00Z", "decided_at": None, "decided_by": None}


class Functions:
    """Lambda, as far as the API calls it."""

    def __init__(self) -> None:
        self.called: list[tuple[str, Json]] = []
        self.seconds: list[float] = []
        self.answer: Json = {}
        self.error: str | None = None
        self.fault: Exception | None = None

    def client(self, seconds: float) -> Functions:
        self.seconds.append(seconds)
        return self

    def invoke(self, FunctionName: str, Payload: bytes) -> Json:  # noqa: N803
        self.called.append((FunctionName, json.loads(Payload)))
        if self.fault is not None:
            raise self.fault
        if self.error is not None:
            failed = {"errorType": self.error, "errorMessage": "in the function's words"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failed).encode())}
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    made = Functions()
    monkeypatch.setattr("rft.aws.functions.lambda_client", made.client)
    return made


@pytest.mark.parametrize(
    ("number", "body", "decision"),
    [
        (1, None, "promote"),
        (2, {}, "promote"),
        (3, {"decision": "promote"}, "promote"),
        (4, {"decision": "keep"}, "keep"),
    ],
)
def test_a_persons_word_goes_to_the_function_that_may_end_the_wait(
    make: Make, functions: Functions, number: int, body: Any, decision: str
) -> None:
    run_id = make("approved", number, approval=WAITING)
    code, run = told(call("api_post_approve", path=f"/runs/{run_id}/approve", body=body))
    assert (code, run["run_id"]) == (202, run_id)
    said = {"run_id": run_id, "decision": decision, "decided_by": CALLER}
    assert functions.called == [("await-job", {"approval": said})]
    assert functions.seconds[0] < 29, "API Gateway waits no longer"


def test_a_caller_without_a_name_is_on_record_as_none(make: Make, functions: Functions) -> None:
    run_id = make("approved", 5, approval=WAITING)
    assert call("api_post_approve", path=f"/runs/{run_id}/approve", userArn=None)["statusCode"] == 202
    assert functions.called[0][1]["approval"]["decided_by"] is None


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"decision": "maybe", "because": "x", "by": "me"}, ["because", "by", "decision"]),
        ({"decision": ["promote"]}, ["decision"]),
        ({"decision": 1}, ["decision"]),
        ("[]", ["$"]),
        ("{", ["$"]),
        ('{"decision": "keep", "decision": "promote"}', ["$"]),
    ],
)
def test_all_faults_of_a_word_are_told_at_once(
    functions: Functions, pipeline: Pipeline, body: Any, paths: list[str]
) -> None:
    code, problem = told(call("api_post_approve", body=body))
    assert (code, sorted(error["path"] for error in problem["errors"])) == (422, sorted(paths))
    assert functions.called == []


DECIDED = WAITING | {"decided_at": "2026-01-31T12:00:00Z", "decided_by": CALLER}


@pytest.mark.parametrize(
    ("number", "status", "attributes", "reason"),
    [
        (11, Status.COMPARING, {"approval": DECIDED | {"state": "keep"}}, f"decided already: keep, by {CALLER}"),
        (12, Status.PROMOTED, {"approval": DECIDED | {"state": "promote"}}, "decided already: promote"),
        (13, Status.KEPT, {"approval": WAITING | {"state": "expired"}}, "nobody said a word by 2026-02-01"),
        (14, Status.STOPPED, {"approval": WAITING}, "has ended already, as stopped"),
        (15, Status.PROMOTED, {}, "has ended already, as promoted"),
        (16, Status.TRAINING, {}, '"promote": "manual"'),
        (17, Status.TRAINING, {"request": {"promote": {"approval": "manual"}}}, "nothing has been compared yet"),
    ],
)
def test_where_nothing_waits_there_is_nothing_to_approve(
    make: Make, functions: Functions, number: int, status: Status, attributes: Json, reason: str
) -> None:
    run_id = make("approved", number, status, **attributes)
    code, problem = told(call("api_post_approve", path=f"/runs/{run_id}/approve"))
    assert (code, problem["title"]) == (409, "Nothing waits for approval")
    assert reason in problem["detail"]
    assert functions.called == []


@pytest.mark.parametrize(
    ("error", "code", "detail"),
    [
        ("NothingToApprove", 409, "in the function's words"),
        ("RunEnded", 409, "in the function's words"),
        ("RunNotFound", 404, "in the function's words"),
        ("KeyError", 500, "the request id leads to the log entry"),
    ],
)
def test_what_was_decided_meanwhile_is_told_by_name(
    make: Make, functions: Functions, error: str, code: int, detail: str
) -> None:
    run_id = make(f"late-{error.lower()}", approval=WAITING)
    functions.error = error
    status, problem = told(call("api_post_approve", path=f"/runs/{run_id}/approve"))
    assert (status, problem["detail"]) == (code, detail)


def live(run_id: str) -> Live:
    return Live(run_id, MODEL_ARN, DEPLOYMENT, "on-demand", "amazon.nova-2-lite-v1:0:256k", "2026-01-31T12:00:00Z")


def compared(against: str = "base", gain: Json | None = GAIN) -> Json:
    means = {"base": 0.2, "candidate": 0.84}
    return {"against": against, "gain": gain, "means": means, "recommended": "promote", "sentence": "…"}


def test_a_model_has_its_versions_the_newest_first(pipeline: Pipeline, make: Make) -> None:
    first = make("grown", 1, Status.PROMOTED, custom_model_arn=MODEL_ARN, comparison=compared())
    make("grown", 2, Status.REJECTED)
    pruned = {"custom_model_deleted_at": "2026-01-09T12:00:00.000Z"}
    third = make("grown", 3, Status.KEPT, custom_model_arn=MODEL_ARN, comparison=compared("live", None), **pruned)
    fourth = make("grown", 4, Status.COMPARING, custom_model_arn=MODEL_ARN)
    pipeline.models.claim("grown", first, None)
    assert pipeline.models.set_live("grown", first, live(first))
    code, model = told(call("api_get_model", path="/models/grown"))
    assert code == 200
    assert (model["name"], model["live_parameter"]) == ("grown", "/rft/models/grown/live")
    assert (model["live"]["run_id"], model["live"]["deployment_arn"]) == (first, DEPLOYMENT)
    assert [(v["run_id"], v["status"], v["live"]) for v in model["versions"]] == [
        (fourth, "comparing", False),
        (third, "kept", False),
        (first, "promoted", True),
    ]
    assert model["versions"][2] == {
        "run_id": first,
        "status": "promoted",
        "created_at": "2026-01-01T12:00:00.000Z",
        "custom_model_arn": MODEL_ARN,
        "deleted_at": None,
        "against": "base",
        "gain": GAIN,
        "means": {"base": 0.2, "candidate": 0.84},
        "live": True,
    }
    assert model["versions"][1]["deleted_at"] == "2026-01-09T12:00:00.000Z"
    assert (model["versions"][0]["gain"], model["versions"][0]["against"]) == (None, None)

    listed = {m["name"]: m for m in told(call("api_get_models"))[1]["models"]}
    assert listed["grown"]["versions"] == 3
    assert listed["grown"]["live"] == model["live"]
    assert set(listed["grown"]) == {"name", "live", "live_parameter", "versions", "gain"}


def test_a_model_that_was_never_promoted_is_there_and_serves_nobody(pipeline: Pipeline, make: Make) -> None:
    run_id = make("humble", 1, Status.KEPT, custom_model_arn=MODEL_ARN, comparison=compared())
    pipeline.models.note("humble")
    model = told(call("api_get_model", path="/models/humble"))[1]
    assert (model["live"], [v["run_id"] for v in model["versions"]]) == (None, [run_id])
    (listed,) = [m for m in told(call("api_get_models"))[1]["models"] if m["name"] == "humble"]
    assert (listed["live"], listed["versions"], listed["gain"]) == (None, 1, GAIN)


def test_the_list_comes_in_pages_and_tells_its_faults(pipeline: Pipeline) -> None:
    for name in ("paged-1", "paged-2", "paged-3"):
        pipeline.models.note(name)
    names, token = [], None
    while True:
        query = {"limit": "2", **({"next_token": token} if token else {})}
        page = told(call("api_get_models", query=query))[1]
        names += [model["name"] for model in page["models"]]
        token = page["next_token"]
        if token is None:
            break
    assert len(names) == len(set(names))
    assert {"paged-1", "paged-2", "paged-3"} <= set(names)
    code, problem = told(call("api_get_models", query={"limit": "0", "status": "kept"}))
    assert (code, {error["path"] for error in problem["errors"]}) == (422, {"limit", "status"})
    assert told(call("api_get_models", query={"next_token": "x"}))[0] == 422


@pytest.mark.parametrize("name", ["nobody", "x" * 41, "Not A Name", "%2e%2e"])
def test_a_model_that_is_not_there(pipeline: Pipeline, name: str) -> None:
    code, problem = told(call("api_get_model", path=f"/models/{name}"))
    assert (code, problem["title"]) == (404, "There is no such model, or none of it that serves")


@pytest.fixture
def asked(pipeline: Pipeline, make: Make) -> str:
    if pipeline.models.get("asked") is None:
        run_id = make(
            "asked", 1, Status.PROMOTED, custom_model_arn=MODEL_ARN, base_model="amazon.nova-2-lite-v1:0:256k"
        )
        pipeline.models.claim("asked", run_id, None)
        pipeline.models.set_live("asked", run_id, live(run_id))
    return "/models/asked/compare"


def test_prompts_go_to_the_function_that_may_ask_models(asked: str, functions: Functions) -> None:
    functions.answer = {"model": "asked", "prompts": [{"answers": {"base": {"text": "a"}, "live": {"text": "b"}}}]}
    assert told(call("api_post_model_compare", path=asked, body={"prompts": ["2 + 2?"]})) == (200, functions.answer)
    ((function, event),) = functions.called
    assert function == "compare-models"
    assert event["playground"]["versions"]["live"] == {"model_id": DEPLOYMENT, "run_id": "asked-000000000001"}
    assert functions.seconds[0] < 29, "API Gateway waits no longer"


def test_what_can_not_be_asked_is_told(asked: str, functions: Functions, make: Make) -> None:
    body = {"prompts": [], "versions": ["base", "base"], "temperature": 2, "colour": 1}
    code, problem = told(call("api_post_model_compare", path=asked, body=body))
    paths = {error["path"] for error in problem["errors"]}
    assert (code, paths) == (422, {"prompts", "versions", "temperature", "colour"})
    discarded = make("asked", 2, Status.KEPT, custom_model_arn=MODEL_ARN)
    body = {"prompts": ["x"], "versions": [discarded]}
    code, problem = told(call("api_post_model_compare", path=asked, body=body))
    assert (code, problem["title"]) == (409, "The version answers nowhere")
    assert told(call("api_post_model_compare", path="/models/nobody/compare", body={"prompts": ["x"]}))[0] == 404
    assert functions.called == []


def test_answers_that_take_too_long_are_no_fault_of_ours(asked: str, functions: Functions) -> None:
    functions.fault = ReadTimeoutError(endpoint_url="lambda")
    code, problem = told(call("api_post_model_compare", path=asked, body={"prompts": ["x"]}))
    assert (code, problem["title"]) == (413, "This takes too long for the API")
