"""What a function is told by its environment. A missing variable is one clear error that names it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from rft.errors import SettingMissing
from rft.run.job import JobNetwork
from rft.run.stack import Stack
from rft.run.tenants import EVERYTHING, Scope, Tenants
from rft.steps.stack_graders import StackGraders


class Environment:
    """Read when asked for: a function needs only the variables of what it does. ``scope`` is what the one may see and
    name for whom it works; a step of a run works for the pipeline, which sees everything."""

    def __init__(self, variables: Mapping[str, str] | None = None, *, scope: Scope = EVERYTHING) -> None:
        self._variables = os.environ if variables is None else variables
        self.scope = scope

    def within(self, scope: Scope) -> Environment:
        return Environment(self._variables, scope=scope)

    @property
    def tenants(self) -> Tenants:
        """Who shares the stack (parameter Tenants). Raises ``TenantsInvalid``: who can't be told apart sees nothing."""
        return Tenants.parse(self._variables.get("TENANTS") or "")

    def _get(self, name: str) -> str:
        value = self._variables.get(name)
        if not value:
            raise SettingMissing(f"the environment variable {name} is missing: template.yaml sets it")
        return value

    @property
    def region(self) -> str:
        return self._get("AWS_REGION")

    @property
    def stack_name(self) -> str:
        return self._get("STACK_NAME")

    @property
    def bucket(self) -> str:
        return self._get("DATA_BUCKET")

    @property
    def table(self) -> str:
        return self._get("RUN_TABLE")

    @property
    def topic_arn(self) -> str:
        return self._get("TOPIC_ARN")

    @property
    def state_machine_arn(self) -> str:
        return self._get("STATE_MACHINE_ARN")

    @property
    def bedrock_role_arn(self) -> str:
        return self._get("BEDROCK_ROLE_ARN")

    @property
    def model_key_arn(self) -> str:
        """The KMS key of the custom models (parameter DataKeyArn, or the stack's own)."""
        return self._get("MODEL_KEY_ARN")

    @property
    def job_network(self) -> JobNetwork | None:
        """The VPC that training jobs work in; None where NetworkMode is none."""
        subnets, groups = (self._list(name) for name in ("JOB_SUBNET_IDS", "JOB_SECURITY_GROUP_IDS"))
        if not subnets and not groups:
            return None
        if not subnets or not groups:
            missing = "JOB_SECURITY_GROUP_IDS" if subnets else "JOB_SUBNET_IDS"
            raise SettingMissing(f"the environment variable {missing} is missing: template.yaml sets it")
        return JobNetwork(subnets, groups)

    def _list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self._variables.get(name, "").split(",") if part.strip())

    @property
    def job_deadline_hours(self) -> float:
        return float(self._get("JOB_DEADLINE_HOURS"))

    @property
    def deployment_deadline_minutes(self) -> float:
        return float(self._get("DEPLOYMENT_DEADLINE_MINUTES"))

    @property
    def default_base_model(self) -> str:
        return self._get("DEFAULT_BASE_MODEL")

    @property
    def judge_model(self) -> str | None:
        return self._variables.get("JUDGE_MODEL") or None

    @property
    def base_inference_id(self) -> str | None:
        """The inference profile by which the default base model is asked; None where that is its own id."""
        return self._variables.get("BASE_INFERENCE_ID") or None

    @property
    def grader_call_seconds(self) -> float:
        return float(self._get("GRADER_CALL_SECONDS"))

    @property
    def check_grader_function(self) -> str:
        return self._get("CHECK_GRADER_FUNCTION")

    @property
    def compare_models_function(self) -> str:
        return self._get("COMPARE_MODELS_FUNCTION")

    @property
    def delete_model_function(self) -> str:
        return self._get("DELETE_MODEL_FUNCTION")

    @property
    def await_job_function(self) -> str:
        return self._get("AWAIT_JOB_FUNCTION")

    @property
    def read_curve_function(self) -> str:
        return self._get("READ_CURVE_FUNCTION")

    @property
    def comparison_workers(self) -> int:
        """How many questions to one model may be under way at a time (parameter ComparisonWorkers)."""
        return int(self._get("COMPARISON_WORKERS"))

    @property
    def kept_versions(self) -> int:
        """How many versions of a model are kept beside the live one (parameter KeptVersions)."""
        return int(self._get("KEPT_VERSIONS"))

    @property
    def approval_hours(self) -> float:
        return float(self._get("APPROVAL_HOURS"))

    @property
    def stuck_hours(self) -> float:
        """After how long a wait a person is told that nothing moves (parameter StuckHours)."""
        return float(self._get("STUCK_HOURS"))

    @property
    def notify_on_start(self) -> bool:
        return self._variables.get("NOTIFY_ON_START") == "true"

    @property
    def is_stand_in(self) -> bool:
        """Whether Bedrock is the stand-in of a developer's machine, of which AWS's console knows nothing."""
        return self._variables.get("IS_STAND_IN") == "true"

    @property
    def judge_requests_per_minute(self) -> int | None:
        """The account's quota for the judge model, if the stack was told of it."""
        return int(self._variables.get("JUDGE_REQUESTS_PER_MINUTE") or 0) or None

    @property
    def price_overrides(self) -> str:
        """The user's own prices as a JSON object (parameter PriceOverrides); empty where there are none."""
        return self._variables.get("PRICE_OVERRIDES") or ""

    @property
    def stack(self) -> Stack:
        graders = {
            name.strip(): arn.strip()
            for name, _, arn in (pair.partition("=") for pair in self._get("GRADERS").split(",") if pair.strip())
        }
        return Stack(
            bucket=self.bucket,
            region=self.region,
            base_model=self.default_base_model,
            grader=self._get("DEFAULT_GRADER"),
            graders=StackGraders(graders, self.stack_name),
            log_bucket=self._variables.get("LOG_BUCKET") or None,
            judge_model=self.judge_model,
            scope=self.scope,
        )
