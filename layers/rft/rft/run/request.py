"""The request for a run, the same through every door.

Ranges, enums and patterns are those of Bedrock's CreateModelCustomizationJob (botocore's service model; a contract
test holds them together), so that what passes here isn't refused hours later.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from rft.errors import RequestInvalid, RequestProblem
from rft.grading.catalog import OPENAI
from rft.run.identity import MODEL_MAX_LENGTH, MODEL_PATTERN
from rft.run.request_base import Place, Strict, bucket_and_key, foreign_place, has_odd_parts, place_of
from rft.run.request_candidate import Comparing, Deploy, Deployment, Promote, Promotion, StopWhen
from rft.run.request_grader import Grader, ManyProblems, fields_that_logs_lack, what_logs_lack
from rft.run.request_logs import InvocationLogs
from rft.run.request_words import explain, shown
from rft.run.stack import Stack

MAX_REQUEST_BYTES = 65_536
MAX_TAGS = 40
MAX_TOKENS = 262_144  # no limit is published: the context window of the largest base model

_BASE_MODEL = (
    r"^(arn:aws(-[a-z]{2,10}){0,2}:bedrock:[a-z0-9-]{1,20}::foundation-model/)?"
    r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}(:[a-z0-9-]{1,63}){0,2}$"
)
_TAG_TEXT = r"^[a-zA-Z0-9\s._:/=+@-]*$"
_OWN_TAGS = "rft:"

Gate = Literal["close", "warn"]
"""What a fault of the grader or its signal means: no job, or a warning. Contract and budget hold either way."""


def _own_object(uri: str, info: ValidationInfo) -> str:
    """An S3 URI made absolute, in the stack's bucket: no other bucket is read, so no other can be asked for."""
    place = place_of(info)
    bucket, key = bucket_and_key(uri, place)
    if bucket != place.stack.bucket:
        raise ValueError(f"must lie in the stack's own bucket, s3://{place.stack.bucket}/: copy the file there")
    if not key or key.endswith("/") or len(key.encode("utf-8", "surrogatepass")) > 1_024:
        raise ValueError("must name an object: a key of 1 to 1,024 bytes that does not end with a slash")
    if has_odd_parts(key):
        raise ValueError("must have no folder named . or .. and no control characters")
    if not place.stack.scope.has_key(key):
        raise ValueError(foreign_place(place))
    return f"s3://{bucket}/{key}"


def _free_key(key: str) -> str:
    if key.startswith(_OWN_TAGS):
        raise ValueError(f"keys that begin with {_OWN_TAGS} are the pipeline's own")
    return key


S3Uri = Annotated[str, Field(min_length=1, max_length=1_100), AfterValidator(_own_object)]
VersionId = Annotated[str, Field(min_length=1, max_length=1_024)]
TagKey = Annotated[str, StringConstraints(pattern=_TAG_TEXT, min_length=1, max_length=128), AfterValidator(_free_key)]
TagValue = Annotated[str, StringConstraints(pattern=_TAG_TEXT, max_length=256)]


class TrainingData(Strict):
    """An S3 object, of which ``version_id`` pins one version (else the newest at the start of the run is taken); or
    the invocation logs that Bedrock keeps of the calls of an account."""

    s3_uri: S3Uri | None = None
    version_id: VersionId | None = None
    invocation_logs: InvocationLogs | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        self._exactly_one("s3_uri", "invocation_logs")
        if self.version_id is not None and self.s3_uri is None:
            raise ValueError("version_id goes with s3_uri")
        return self


class ValidationData(Strict):
    """A file of its own, or the share of the training data that is held out."""

    s3_uri: S3Uri | None = None
    version_id: VersionId | None = None
    fraction: Annotated[float, Field(ge=0.01, le=0.5)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        self._exactly_one("s3_uri", "fraction")
        if self.version_id is not None and self.s3_uri is None:
            raise ValueError("version_id goes with s3_uri")
        return self


def _logs(info: ValidationInfo) -> InvocationLogs | None:
    """The log source of a request whose training data is in order."""
    data = info.data.get("training_data")
    return data.invocation_logs if isinstance(data, TrainingData) else None


def _nothing_to_split(validation: ValidationData | None, info: ValidationInfo) -> ValidationData | None:
    logs = _logs(info)
    if logs is not None and logs.native and validation is not None and validation.fraction is not None:
        raise ValueError(
            "fraction can't be given with native: Bedrock reads the logs itself, so there is nothing to split; "
            "name a file with s3_uri, or leave validation_data out"
        )
    return validation


def _has_what_it_needs(grader: Grader | None, info: ValidationInfo) -> Grader | None:
    """Logs have a reference answer only if they are told so, and no fields of a record's own."""
    logs = _logs(info)
    if logs is None:
        return grader
    if not logs.use_prompt_response and (reason := what_logs_lack(grader, info)):
        raise ValueError(
            f"{reason}, and logs have none: set training_data.invocation_logs.use_prompt_response to true, so that the "
            "logged answers are the references, or use a grader that needs none (a judge, or your own by lambda_arn)"
        )
    if logs.native and grader is not None and grader.openai is not None:
        raise ValueError(
            "openai can't be given with native: the records of logs that Bedrock reads itself lead to no JSON"
        )
    if lacking := fields_that_logs_lack(grader, info):
        raise ValueError(f"{lacking[0]} reads the field {', '.join(lacking[1])} of each record, which logs don't have")
    return grader


def _compares_with_what_it_has(compare: Comparing, info: ValidationInfo) -> Comparing:
    """The prompts that are compared on come from the logs too, unless the validation set is a file."""
    logs, validation = _logs(info), info.data.get("validation_data")
    from_logs = logs is not None and not (isinstance(validation, ValidationData) and validation.s3_uri is not None)
    if not from_logs or logs is None or compare.grader is None:
        return compare
    if not logs.use_prompt_response and (reason := what_logs_lack(compare.grader, info)):
        raise ManyProblems([("grader", f"{reason}, and the logs that the prompts come from have none")])
    if lacking := fields_that_logs_lack(compare.grader, info):
        fields = ", ".join(lacking[1])
        raise ManyProblems([("grader", f"{lacking[0]} reads the field {fields} of each record, which logs don't have")])
    return compare


class Hyperparameters(Strict):
    """What Bedrock may be told of the training. All optional: what is missing, Bedrock chooses."""

    epoch_count: Annotated[int, Field(ge=1, le=50)] | None = None
    batch_size: Annotated[int, Field(ge=16, le=512)] | None = None
    learning_rate: Annotated[float, Field(ge=1e-7, le=1e-3)] | None = None
    max_prompt_length: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    training_sample_per_prompt: Annotated[int, Field(ge=2, le=16)] | None = None
    inference_max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    reasoning_effort: Literal["low", "medium", "high"] | None = None
    eval_interval: Annotated[int, Field(ge=1, le=100)] | None = None


class Budget(Strict):
    """What a run may cost at most. ``max_rollouts`` (answers that are sampled and graded in training) is what holds
    where a price isn't known."""

    max_usd: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    max_rollouts: Annotated[int, Field(ge=1, le=100_000_000)] | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> Self:
        if self.max_usd is None and self.max_rollouts is None:
            raise ValueError("needs max_usd, max_rollouts or both; has none of them")
        return self


class RunRequest(Strict):
    """What somebody wants: a better ``model`` from ``training_data``."""

    model: Annotated[str, StringConstraints(pattern=MODEL_PATTERN, max_length=MODEL_MAX_LENGTH)]
    # Before what is held against it.
    training_data: TrainingData
    base_model: Annotated[str, StringConstraints(pattern=_BASE_MODEL, max_length=512)] | None = None
    validation_data: Annotated[ValidationData | None, AfterValidator(_nothing_to_split)] = None
    grader: Annotated[Grader | None, AfterValidator(_has_what_it_needs), Field(validate_default=True)] = None
    hyperparameters: Hyperparameters = Hyperparameters()
    deploy: Deploy = Deployment(kind="on-demand")
    compare: Annotated[Comparing, AfterValidator(_compares_with_what_it_has)] = Comparing()
    promote: Promote = Promotion()
    stop_when: StopWhen | None = None
    budget: Budget | None = None
    gate: Gate = "close"
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=MAX_TAGS)] = Field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it was written: without what was left to the defaults, be it by silence or by a null."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True, by_alias=True)


def parse_request(document: bytes | str | Mapping[str, Any], stack: Stack, *, folder: str | None = None) -> RunRequest:
    """The request in ``document``, its data locations made absolute.

    ``folder`` is the key prefix that relative locations start from (``inbox/ticket-triage/``); where it is None,
    only absolute ones are taken. Raises ``RequestInvalid`` with every problem.
    """
    if isinstance(document, Mapping):
        # An event's detail came as JSON: back to it, for the same checks.
        document = json.dumps(document)
    content = json_object(document, 'as in {"model": ..., "training_data": {"s3_uri": ...}}')
    try:
        return RunRequest.model_validate(dict(content), context=Place(stack, folder))
    except ValidationError as invalid:
        name = content.get("model")
        fits = isinstance(name, str) and len(name) <= MODEL_MAX_LENGTH and re.fullmatch(MODEL_PATTERN, name)
        raise RequestInvalid(explain(invalid, RunRequest), model=name if fits else None) from None


def json_object(document: bytes | str, form: str) -> dict[str, Any]:
    """The one JSON object of a request, read strictly. Raises ``RequestInvalid``; ``form`` says what is wanted."""
    if len(document) > MAX_REQUEST_BYTES:
        raise _refused(f"is {len(document):,} bytes long; at most {MAX_REQUEST_BYTES:,} are taken")
    if isinstance(document, str):
        document = document.removeprefix("\ufeff")  # a byte order mark, which json takes from bytes only
    try:
        content = json.loads(document, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeDecodeError as bad:
        raise _refused(f"is not UTF-8 (byte {bad.start})") from None
    except UnicodeEncodeError:
        raise _refused("holds half a surrogate pair, as in \\ud83d: that is no character") from None
    except RecursionError:
        raise _refused("is nested too deep") from None
    except ValueError as bad:
        raise _refused(f"is not JSON: {bad}") from None
    if not isinstance(content, dict):
        raise _refused(f"must be a JSON object, {form}")
    return content


def _refused(message: str) -> RequestInvalid:
    return RequestInvalid([RequestProblem("$", message)])


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {shown(twice)} stands twice")
    return content


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def grader_arn(request: RunRequest, stack: Stack) -> str:
    """The Lambda ARN that grades: as given, by name, the one for OpenAI's JSON, or the stack's default."""
    return stack.graders[stack.grader] if request.grader is None else _arn_of(request.grader, stack)


def held_out_grader_arn(request: RunRequest, stack: Stack) -> str | None:
    """The same of the grader that only compares, if the request names one."""
    return None if request.compare.grader is None else _arn_of(request.compare.grader, stack)


def _arn_of(grader: Grader, stack: Stack) -> str:
    if grader.lambda_arn is not None:
        return grader.lambda_arn
    return stack.graders[OPENAI if grader.openai is not None else grader.name or stack.grader]
