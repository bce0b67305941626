"""Bedrock's invocation logs as the training data of a request.

The filters are those of CreateModelCustomizationJob (botocore's service model; a contract test holds them together),
so that a request means the same whether the pipeline converts the logs or Bedrock does (``native``).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationInfo, model_validator

from rft.run.log_source import MAX_PROMPTS, MIN_PROMPTS, READY_PATTERNS
from rft.run.request_base import Place, Strict, bucket_and_key, foreign_place, has_odd_parts, place_of
from rft.run.request_words import shown

MAX_REDACTIONS = 32
MAX_PATTERN = 1_000
MAX_SEED = 2**53 - 1  # the largest whole number that every JSON reader keeps
OWN_FOLDERS = ("inbox/", "datasets/")  # of the stack's own bucket: where users put things, and all that may be read

_METADATA_TEXT = r"^[a-zA-Z0-9\s._:/=+$@-]*$"
_BEDROCK_URI = re.compile(r"s3://[a-z0-9][-.a-z0-9]{1,61}[a-z0-9](/[-!_*'().a-z0-9A-Z]+)*/?")
_RULE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_NATIVE_TAKES = frozenset({"s3_uri", "metadata_equals", "request_metadata_filters", "use_prompt_response", "native"})


def _log_prefix(uri: str, info: ValidationInfo) -> str:
    """The folder of the logs, made absolute, with a slash at its end."""
    place = place_of(info)
    whole_bucket = uri.startswith("s3://") and "/" not in uri.removeprefix("s3://")
    bucket, key = bucket_and_key(uri + "/" if whole_bucket else uri, place, form="s3://bucket/prefix/")
    if key and not key.endswith("/"):
        key += "/"
    _check_bucket(bucket, key, place)
    if len(key.encode("utf-8", "surrogatepass")) > 900:
        raise ValueError("must be a prefix of at most 900 bytes: the keys of the logs come after it")
    if has_odd_parts(key):
        raise ValueError("must have no folder named . or .. and no control characters")
    return f"s3://{bucket}/{key}"


def _check_bucket(bucket: str, key: str, place: Place) -> None:
    own, logs = place.stack.bucket, place.stack.log_bucket
    if not place.stack.scope.sees_all:
        # The account's log bucket has everybody's calls in it.
        if bucket != own or not key.startswith(place.stack.scope.folders):
            raise ValueError(foreign_place(place))
        return
    if bucket not in (own, logs):
        allowed = f"s3://{logs}/ (parameter InvocationLogBucket) or s3://{own}/" if logs else f"s3://{own}/"
        hint = "" if logs else ": to read a log bucket, deploy the stack with its name as InvocationLogBucket"
        raise ValueError(f"must lie in {allowed}{hint}")
    if bucket == own and bucket != logs and not key.startswith(OWN_FOLDERS):
        raise ValueError(f"must lie below {' or '.join(OWN_FOLDERS)} in the stack's own bucket: copy the logs there")


def _redaction(rule: Any) -> Any:
    """One rule of ``redact``, as it was given."""
    if isinstance(rule, str):
        if rule not in READY_PATTERNS:
            ready = ", ".join(READY_PATTERNS)
            raise ValueError(f'must be one of {ready}, or {{"name": ..., "pattern": ...}}; it is {shown(rule)}')
        return rule
    if not isinstance(rule, dict) or set(rule) != {"name", "pattern"}:
        raise ValueError(f'must be a name or {{"name": ..., "pattern": ...}} and nothing else; it is {shown(rule)}')
    name, pattern = rule["name"], rule["pattern"]
    if not isinstance(name, str) or not _RULE_NAME.fullmatch(name) or name in READY_PATTERNS:
        raise ValueError(
            "name must be 1 to 32 of a-z, 0-9, _ and -, begin with a letter and be no ready rule's; "
            f"it is {shown(name)}"
        )
    if not isinstance(pattern, str) or not 1 <= len(pattern) <= MAX_PATTERN:
        raise ValueError(f"pattern must be a text of 1 to {MAX_PATTERN:,} characters; it is {shown(pattern)}")
    if (fault := _pattern_fault(pattern)) is not None:
        raise ValueError(f"pattern must be a regular expression of RE2: {fault}; it is {shown(pattern)}")
    return rule


def _each_name_once(rules: list[Any]) -> list[Any]:
    names = [rule if isinstance(rule, str) else rule["name"] for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"each rule must have a name of its own; more than one is named {', '.join(twice)}")
    return rules


def _pattern_fault(pattern: str) -> str | None:
    import re2  # noqa: PLC0415  only a request with patterns of its own pays for it

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as bad:
        fault = bad.args[0] if bad.args else bad
        return fault.decode("utf-8", "replace") if isinstance(fault, bytes) else str(fault)
    return "it matches the empty text" if compiled.search("") else None


MetadataKey = Annotated[str, StringConstraints(pattern=_METADATA_TEXT, min_length=1, max_length=256)]
MetadataValue = Annotated[str, StringConstraints(pattern=_METADATA_TEXT, max_length=256)]
OneEntry = Annotated[dict[MetadataKey, MetadataValue], Field(min_length=1, max_length=1)]


class MetadataCondition(Strict):
    """A condition on the metadata of a call, or one of each kind, of which both must hold. A call without the key
    isn't equal."""

    model_config = ConfigDict(validate_by_name=False)

    equals: OneEntry | None = None
    not_equals: Annotated[OneEntry | None, Field(alias="notEquals")] = None

    @model_validator(mode="after")
    def _some_condition(self) -> Self:
        if self.equals is None and self.not_equals is None:
            raise ValueError("needs equals or notEquals; has none of them")
        return self


Conditions = Annotated[list[MetadataCondition], Field(min_length=1, max_length=16)]


class MetadataFilters(Strict):
    """Bedrock's requestMetadataFilters: one condition, or several of which all (or any) must hold."""

    model_config = ConfigDict(validate_by_name=False)

    equals: OneEntry | None = None
    not_equals: Annotated[OneEntry | None, Field(alias="notEquals")] = None
    and_all: Annotated[Conditions | None, Field(alias="andAll")] = None
    or_all: Annotated[Conditions | None, Field(alias="orAll")] = None

    @model_validator(mode="after")
    def _one_filter(self) -> Self:
        self._exactly_one("equals", "not_equals", "and_all", "or_all")
        return self


class InvocationLogs(Strict):
    """A folder of log objects. What is left out has the defaults of ``rft.run.log_source``."""

    s3_uri: Annotated[str, Field(min_length=1, max_length=1_100), AfterValidator(_log_prefix)]
    metadata_equals: Annotated[dict[MetadataKey, MetadataValue], Field(min_length=1, max_length=16)] | None = None
    request_metadata_filters: MetadataFilters | None = None
    max_prompts: Annotated[int, Field(ge=MIN_PROMPTS, le=MAX_PROMPTS)] | None = None
    use_prompt_response: bool | None = None
    redact: (
        Annotated[
            list[Annotated[Any, AfterValidator(_redaction)]],
            Field(max_length=MAX_REDACTIONS),
            AfterValidator(_each_name_once),
        ]
        | None
    ) = None
    max_failed_share: Annotated[float, Field(ge=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    native: bool | None = None

    @model_validator(mode="after")
    def _one_kind_of_filter(self) -> Self:
        if self.metadata_equals is not None and self.request_metadata_filters is not None:
            raise ValueError("takes metadata_equals or request_metadata_filters, not both")
        return self

    @model_validator(mode="after")
    def _what_bedrock_can_be_told(self) -> Self:
        if not self.native:
            return self
        ours = [
            name for name in type(self).model_fields if name not in _NATIVE_TAKES and getattr(self, name) is not None
        ]
        if ours:
            raise ValueError(f"native: Bedrock reads the logs itself and can't be told {', '.join(ours)}; leave it out")
        if len(self.s3_uri) > 1_024 or not _BEDROCK_URI.fullmatch(self.s3_uri):
            raise ValueError(
                "native: Bedrock takes an s3_uri of at most 1,024 of a-z, A-Z, 0-9 and - ! _ * ' ( ) . in its folders; "
                f"it is {shown(self.s3_uri)}"
            )
        return self
