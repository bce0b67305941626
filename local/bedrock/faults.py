"""The one control that makes the stand-in misbehave on purpose. docs/local-faults.md tells how to use it."""

from __future__ import annotations

import zlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

from local.bedrock.protocol.errors import ServiceError
from local.bedrock.records import JobStatus, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botocore.model import ServiceModel

    from local.bedrock.store import Store

_EVERYWHERE = "faults"


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OperationFault(_Rule):
    """Answer ``operation`` with ``error`` the next ``times`` times, for resources whose name matches ``name``."""

    operation: str
    error: str
    times: Annotated[int, Field(ge=0)] = 1
    name: str = "*"
    message: str = "A fault that was asked for"


class JobFault(_Rule):
    """``fail`` or ``stall`` once ``step`` steps are done (0: before the first), or make each step ``slow``."""

    job: str
    do: Literal["fail", "stall", "slow"]
    step: Annotated[int, Field(ge=0)] = 0
    message: Annotated[str, Field(min_length=1, max_length=2048)] = "A fault that was asked for"
    seconds_per_step: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 1.0


class DeploymentFault(_Rule):
    """A deployment, or its update, that stays on the way or ends Failed.

    ``times``: how many end so; None: as many as there are while the rule is.
    """

    deployment: str
    do: Literal["stay", "fail"]
    message: Annotated[str, Field(min_length=1, max_length=2048)] = "A fault that was asked for"
    times: Annotated[int, Field(ge=0)] | None = None


class EventFault(_Rule):
    """What happens to a job's event of ``status`` (None: of any)."""

    events: str
    do: Literal["lose", "repeat", "delay", "hold"]
    status: JobStatus | None = None
    copies: Annotated[int, Field(ge=2, le=100)] = 2
    seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 1.0
    until: JobStatus = "Completed"


class JudgeFault(_Rule):
    """A judge model that answers with no JSON (``garble``) or whose answer is filtered (``refuse``).

    ``share`` is that of the conversations it happens to, always the same ones; ``times`` None: as long as the rule is.
    """

    judge: str
    do: Literal["garble", "refuse"]
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    times: Annotated[int, Field(ge=0)] | None = None


_SUBJECTS = ("operation", "job", "deployment", "events", "judge")


def _subject(rule: Any) -> str | None:
    keys = rule if isinstance(rule, dict) else getattr(type(rule), "model_fields", {})
    return next((key for key in _SUBJECTS if key in keys), None)


Rule = Annotated[
    Annotated[OperationFault, Tag("operation")]
    | Annotated[JobFault, Tag("job")]
    | Annotated[DeploymentFault, Tag("deployment")]
    | Annotated[EventFault, Tag("events")]
    | Annotated[JudgeFault, Tag("judge")],
    Discriminator(
        _subject,
        custom_error_type="fault_rule",
        custom_error_message=f"a rule needs one of the keys {', '.join(_SUBJECTS)}",
    ),
]
RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


class _Rules(Record):
    kind: ClassVar[str] = "faults"

    rules: list[Rule]


class Faults:
    """The rules in force. They live in the store, and so does how often an operation's rule still applies."""

    def __init__(self, store: Store, models: Iterable[ServiceModel]) -> None:
        self._store = store
        self._errors = {
            name: sorted(shape.name for shape in model.operation_model(name).error_shapes)
            for model in models
            for name in model.operation_names
        }

    def rules(self) -> list[Rule]:
        """All rules, first match first."""
        stored = self._store.get(_Rules, _EVERYWHERE)
        return stored.rules if stored else []

    def replace(self, rules: list[Rule]) -> None:
        """Put these rules in place of all others. Raises ``ValueError`` naming every operation or error unknown."""
        if wrong := [problem for number, rule in enumerate(rules) for problem in self._problems(number, rule)]:
            raise ValueError("; ".join(wrong))
        self._store.save(_Rules(arn=_EVERYWHERE, name=_EVERYWHERE, rules=rules))

    def _problems(self, number: int, rule: Rule) -> list[str]:
        if not isinstance(rule, OperationFault):
            return []
        if rule.operation not in self._errors:
            return [f"{number}.operation: {rule.operation} is not an operation of Bedrock"]
        known = self._errors[rule.operation]
        return [] if rule.error in known else [f"{number}.error: {rule.operation} has only {', '.join(known)}"]

    def raise_for(self, operation: str, name: str) -> None:
        """Raise the error that is due for a call of ``operation`` about the resource ``name``, and count it."""
        with self._store.transaction():
            rules = self.rules()
            for number, rule in enumerate(rules):
                if (
                    isinstance(rule, OperationFault)
                    and rule.operation == operation
                    and rule.times > 0
                    and fnmatchcase(name, rule.name)
                ):
                    self._count(rules, number, rule.times)
                    break
            else:
                return
        raise ServiceError(rule.error, rule.message)

    def judge(self, model_id: str, conversation: str) -> JudgeFault | None:
        """The rule for a judge's answer to a conversation, which it is counted for."""
        place = zlib.crc32(conversation.encode("utf-8", "surrogatepass")) / 2**32
        with self._store.transaction():
            rules = self.rules()
            for number, rule in enumerate(rules):
                if (
                    isinstance(rule, JudgeFault)
                    and rule.times != 0
                    and place < rule.share
                    and fnmatchcase(model_id, rule.judge)
                ):
                    if rule.times is not None:
                        self._count(rules, number, rule.times)
                    return rule
        return None

    def _count(self, rules: list[Rule], number: int, times: int) -> None:
        rules[number] = rules[number].model_copy(update={"times": times - 1})
        self._store.save(_Rules(arn=_EVERYWHERE, name=_EVERYWHERE, rules=rules))

    def job(self, name: str) -> list[JobFault]:
        """The rules for a job."""
        return [rule for rule in self.rules() if isinstance(rule, JobFault) and fnmatchcase(name, rule.job)]

    def deployment(self, name: str) -> DeploymentFault | None:
        """The rule for a deployment."""
        _, rule = self._of_deployment(name)
        return rule

    def failed(self, name: str) -> None:
        """Count that the rule for this deployment has made it, or its update, fail."""
        with self._store.transaction():
            number, rule = self._of_deployment(name)
            if rule is not None and rule.times is not None:
                self._count(self.rules(), number, rule.times)

    def _of_deployment(self, name: str) -> tuple[int, DeploymentFault | None]:
        for number, rule in enumerate(self.rules()):
            if isinstance(rule, DeploymentFault) and rule.times != 0 and fnmatchcase(name, rule.deployment):
                return number, rule
        return 0, None

    def events(self, job: str, status: JobStatus) -> list[EventFault]:
        """The rules for a job's event."""
        return [
            rule
            for rule in self.rules()
            if isinstance(rule, EventFault) and fnmatchcase(job, rule.events) and rule.status in (None, status)
        ]
