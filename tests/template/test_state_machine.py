"""The state machine's promises: every state bounded, every failure closed, every name real."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import botocore.exceptions
import botocore.session
import pytest

from rft import errors
from rft.run.record import Run
from rft.run.status import Status
from rft.steps import batch_faults
from rft.steps.comparing import comparison_plan
from rft.steps.logs import log_files

TASKS = {
    *("ListLogs", "AssembleLogs", "PrepareDataset", "CheckGrader", "SubmitJob", "AwaitJob", "DeployModel"),
    *("CompareModels", "AwaitApproval", "PromoteModel", "DiscardCandidate", "CloseRun", "PublishReport", "Notify"),
}
MAPS = {"ConvertLogs": "ConvertLogs", "CompareBatches": "CompareModels"}
"""And the function that does the work of a batch."""
FUNCTIONS = {name: "AwaitJob" if name == "AwaitApproval" else name for name in TASKS}
"""Of each task. Only one function may answer task tokens, so it serves both waits."""
WAITS = {"AwaitJob", "AwaitApproval"}


def _passing() -> set[str]:
    """What the services that every step uses call a fault of their own, or a limit that passes: botocore's names."""
    operations = {"dynamodb": ["GetItem", "PutItem", "UpdateItem", "Query", "TransactWriteItems"], "sns": ["Publish"]}
    operations |= {"events": ["PutEvents"], "ssm": ["PutParameter"]}
    found: set[str] = set()
    for service, names in operations.items():
        model = botocore.session.get_session().get_service_model(service)
        for name in names:
            found |= {shape.name for shape in model.operation_model(name).error_shapes}
    passes = re.compile(
        r"Internal.*|Throttl.*|RequestLimitExceeded|.*ThroughputExceeded.*|Transaction(Canceled|InProgress).*"
    )
    return {name for name in found if passes.fullmatch(name)}


PASSING = _passing()


def batch_state(machine: dict[str, Any], name: str = "ConvertLogs") -> dict[str, Any]:
    """The one state of a map's child executions."""
    (state,) = machine["States"][name]["ItemProcessor"]["States"].values()
    found: dict[str, Any] = state
    return found


def batch_states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: batch_state(machine, name) for name in MAPS}


def test_every_task_is_bounded_in_time_and_tried_again(machine: dict[str, Any]) -> None:
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    assert set(tasks) == TASKS
    for name, state in (tasks | batch_states(machine)).items():
        assert "TimeoutSeconds" in state, name
        assert state["Retry"], name
        assert all("MaxAttempts" in retry for retry in state["Retry"]), name
    assert machine["TimeoutSeconds"] > 72 * 3600


def test_every_state_that_can_fail_leads_to_close_run(machine: dict[str, Any]) -> None:
    for name in TASKS - {"CloseRun", "PublishReport", "Notify"} | set(MAPS):
        last = machine["States"][name]["Catch"][-1]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "CloseRun"), name
    assert machine["States"]["CloseRun"]["Next"] == "PublishReport"
    report = machine["States"]["PublishReport"]
    assert (report["Catch"][0]["ErrorEquals"], report["Catch"][0]["Next"]) == (["States.ALL"], "Notify")
    assert report["Next"] == "Notify", "a report that fails keeps nobody from being told"
    timeout = machine["States"]["AwaitJob"]["Catch"][0]
    assert (timeout["ErrorEquals"], timeout["Next"]) == (["States.Timeout"], "AwaitJob")


def test_every_error_that_is_caught_by_name_exists(machine: dict[str, Any]) -> None:
    ours = {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
    named = {
        error
        for state in [*machine["States"].values(), *batch_states(machine).values()]
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }
    services = re.compile(r"(States|Lambda|Sandbox|Runtime)\..+|.*Exception")
    sdk = {name for name in vars(botocore.exceptions) if name.endswith("Error")} | PASSING
    assert {error for error in named if not services.fullmatch(error)} <= ours | sdk
    assert {"ResponseStreamingError", "ConnectionClosedError"} <= named  # a body, a connection that breaks off
    assert {"JobQuotaFull", "DeploymentPending", "BedrockBusy", "ComparisonPending", "LiveModelChanged"} <= named


def test_a_fault_of_a_service_is_tried_again_by_the_name_it_has(machine: dict[str, Any]) -> None:
    assert {"InternalServerError", "InternalException", "RequestLimitExceeded", "ThrottlingException"} <= PASSING
    tasks = {name: machine["States"][name] for name in TASKS} | batch_states(machine)
    for name, state in tasks.items():
        tried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert {*PASSING, "EventRefused"} <= tried or "States.ALL" in tried, name
    assert PASSING <= batch_faults.RETRIED


@pytest.mark.parametrize("name", sorted(WAITS))
def test_a_wait_is_given_up_for_no_fault_of_a_look(machine: dict[str, Any], name: str) -> None:
    """A training that is paid for, or a model that somebody is to decide on, is worth more than one more look."""
    ends, anything = machine["States"][name]["Retry"]
    assert {"RunEnded", "RunStopped", "States.Timeout"} <= set(ends["ErrorEquals"])
    assert ends["MaxAttempts"] == 0
    assert anything["ErrorEquals"] == ["States.ALL"]
    assert anything["MaxAttempts"] * anything["MaxDelaySeconds"] / 2 > 12 * 3600


def test_a_run_of_a_usual_length_keeps_to_twenty_transitions(machine: dict[str, Any]) -> None:
    """Deployment and exchange of ten minutes each, looked at for 20 s a time."""
    tries = 0
    for name in ("DeployModel", "PromoteModel"):
        retry = machine["States"][name]["Retry"][0]
        at, wait = 20.0, float(retry["IntervalSeconds"])
        while at < 600:
            at, wait, tries = at + wait + 20, wait * retry["BackoffRate"], tries + 1
    straight = [
        "LogsOrDataset",
        "PrepareDataset",
        "CheckGrader",
        "SubmitJob",
        "AwaitJob",
        "DeployModel",
        "CompareModels",
    ]
    straight += ["HowCompared", "PromoteModel", "PublishReport", "Notify", "HowItEnded", "RunEnded"]
    assert len(straight) + tries <= 20


def test_a_job_or_deployment_that_is_waited_for_costs_at_most_four_transitions_an_hour(
    machine: dict[str, Any], source: dict[str, Any]
) -> None:
    quota = machine["States"]["SubmitJob"]["Retry"][0]
    wait, at, attempts = quota["IntervalSeconds"], 0, []
    while at < 6 * 3600:
        at += min(wait, quota["MaxDelaySeconds"])
        wait *= quota["BackoffRate"]
        attempts.append(at)
    assert max(len([a for a in attempts if h * 3600 < a <= (h + 1) * 3600]) for h in range(6)) <= 4
    assert 60 / source["Parameters"]["JobCheckMinutes"]["Default"] <= 4


def test_the_role_of_the_machine_names_exactly_its_functions(
    machine: dict[str, Any], source: dict[str, Any], resources: dict[str, Any]
) -> None:
    text = json.dumps(machine)
    used = set(re.findall(r"\$\{(\w+)Arn\}", text))
    substitutions = source["Resources"]["StateMachine"]["Properties"]["DefinitionSubstitutions"]
    others = {
        "Partition",
        "JobCheckMinutes",
        "ApprovalHours",
        "ConvertConcurrency",
        "ComparisonConcurrency",
        "DataBucket",
    }
    assert {f"{name}Arn" for name in used} | others == set(substitutions)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    invoke = resources["StateMachineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    assert {r["Fn::GetAtt"][0] for r in invoke["Resource"]} == used == {*FUNCTIONS.values(), *MAPS.values()}


def test_only_the_run_id_and_names_of_errors_travel(machine: dict[str, Any]) -> None:
    for name in TASKS:
        arguments = machine["States"][name]["Arguments"]
        known = {"run_id", "task_token", "wait", "error", "cause", "attempt"}
        assert set(arguments.get("Payload", arguments)) <= known, name
    for name, state in batch_states(machine).items():
        assert set(state["Arguments"]) == {"run_id", "batch"}, name


def test_every_state_can_be_reached_and_every_way_ends(machine: dict[str, Any]) -> None:
    states = machine["States"]

    def following(state: dict[str, Any]) -> set[str]:
        rules = [state, *state.get("Catch", []), *state.get("Choices", [])]
        return {rule["Next"] for rule in rules if "Next" in rule} | (
            {state["Default"]} if "Default" in state else set()
        )

    reached, todo = set(), {machine["StartAt"]}
    while todo:
        name = todo.pop()
        reached.add(name)
        todo |= following(states[name]) - reached
    assert reached == set(states)
    assert {n for n, s in states.items() if not following(s)} == {"RunFailed", "RunEnded"}


def test_a_function_that_died_or_ran_out_of_time_is_tried_again(machine: dict[str, Any]) -> None:
    states = {name: machine["States"][name] for name in TASKS} | batch_states(machine)
    for name, state in states.items():
        tried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert {"Sandbox.Timedout", "Runtime.ExitError"} <= tried or "States.ALL" in tried, name
        assert "States.Timeout" in tried or "States.ALL" in tried or name in WAITS, name


def test_a_function_ends_by_its_own_time_limit_before_its_state_does(
    machine: dict[str, Any], resources: dict[str, Any]
) -> None:
    """So that what is on record is the name of the function's error, and no second one runs beside the first."""
    states = {name: machine["States"][name] for name in TASKS - WAITS} | batch_states(machine)
    for name, state in states.items():
        function = MAPS.get(name) or name
        assert state["TimeoutSeconds"] > resources[function]["Properties"]["Timeout"], name


def test_a_gate_that_ran_out_of_time_asks_its_models_once_more_at_most(machine: dict[str, Any]) -> None:
    retry = machine["States"]["CheckGrader"]["Retry"]
    tries = {error: rule["MaxAttempts"] for rule in retry for error in rule["ErrorEquals"]}
    assert {tries[error] for error in ("States.Timeout", "Sandbox.Timedout", "Runtime.ExitError")} == {1}
    assert sum(len(rule["ErrorEquals"]) for rule in retry) == len(tries), "a name that stands twice counts only once"


@pytest.mark.parametrize("name", ["CheckGrader", "CompareModels", "CompareBatches"])
def test_a_grader_that_is_throttled_is_tried_again(machine: dict[str, Any], name: str) -> None:
    """botocore names the class of the error by its code, and Step Functions sees the name of the class."""
    state = (machine["States"] | batch_states(machine))[name]
    tried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
    lambdas = boto3.client("lambda", region_name="us-east-1")
    codes = [
        *("TooManyRequestsException", "ServiceException", "EC2ThrottledException"),
        *("ResourceConflictException", "ResourceNotReadyException"),
    ]
    classes: list[Any] = [lambdas.exceptions.from_code(code) for code in codes]
    assert {known.__name__ for known in classes} <= tried


def test_no_job_is_submitted_but_past_the_gate(machine: dict[str, Any]) -> None:
    to_submit = [name for name, state in machine["States"].items() if state.get("Next") == "SubmitJob"]
    assert to_submit == ["CheckGrader"]
    assert machine["States"]["PrepareDataset"]["Next"] == "CheckGrader"


def test_what_the_comparison_says_is_done(machine: dict[str, Any]) -> None:
    states = machine["States"]
    says = {rule["Condition"]: rule["Next"] for rule in states["HowCompared"]["Choices"]}
    assert says == {
        "{% $states.input.next = 'batches' %}": "CompareBatches",
        "{% $states.input.next = 'promote' %}": "PromoteModel",
        "{% $states.input.next = 'approve' %}": "AwaitApproval",
    }
    assert states["HowCompared"]["Default"] == states["HowDecided"]["Default"] == "DiscardCandidate"
    assert states["CompareBatches"]["Next"] == "CompareModels", "where the batches are put together"
    (approved,) = states["HowDecided"]["Choices"]
    assert (approved["Condition"], approved["Next"]) == ("{% $states.input.decision = 'promote' %}", "PromoteModel")


def test_nobodys_word_in_time_means_that_the_old_model_stays(machine: dict[str, Any]) -> None:
    state = machine["States"]["AwaitApproval"]
    assert state["Catch"][0] == {"ErrorEquals": ["States.Timeout"], "Next": "DiscardCandidate"}
    assert "States.Timeout" in state["Retry"][0]["ErrorEquals"]
    assert state["TimeoutSeconds"] == "{% $round(${ApprovalHours} * 3600) %}"


def test_a_model_that_was_promoted_meanwhile_is_compared_with(machine: dict[str, Any]) -> None:
    first = machine["States"]["PromoteModel"]["Catch"][0]
    assert (first["ErrorEquals"], first["Next"]) == (["LiveModelChanged"], "CompareModels")
    assert "LiveModelChanged" not in {e for r in machine["States"]["PromoteModel"]["Retry"] for e in r["ErrorEquals"]}


def test_notify_is_told_which_try_is_its_last(machine: dict[str, Any]) -> None:
    from rft.steps.ending.notify import _ATTEMPTS

    (retry,) = machine["States"]["Notify"]["Retry"]
    assert retry["MaxAttempts"] + 1 == _ATTEMPTS
    assert "RetryCount" in machine["States"]["Notify"]["Arguments"]["attempt"]


def test_logs_are_converted_first_and_an_old_input_means_a_dataset(machine: dict[str, Any]) -> None:
    choice = machine["States"][machine["StartAt"]]
    assert (choice["Default"], [rule["Next"] for rule in choice["Choices"]]) == ("PrepareDataset", ["ListLogs"])
    # In JSONata a comparison with what isn't there is false: an input without "data" goes on to PrepareDataset.
    assert choice["Choices"][0]["Condition"] == "{% $states.context.Execution.Input.data = 'logs' %}"


@pytest.mark.parametrize(
    ("name", "parameter", "at_a_time"),
    [("ConvertLogs", "ConvertConcurrency", 40), ("CompareBatches", "ComparisonConcurrency", 4)],
)
def test_a_map_of_batches_is_bounded_by_no_payload(
    machine: dict[str, Any], source: dict[str, Any], name: str, parameter: str, at_a_time: int
) -> None:
    """Its items come from the bucket and its results are empty: 256 KiB are enough for any number of batches."""
    state = machine["States"][name]
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert state["Output"] == batch_state(machine, name)["Output"] == {}
    assert "ItemSelector" not in state
    assert "ToleratedFailurePercentage" not in state, "a batch that is lost is a run that failed"
    assert state["MaxConcurrency"] == f"{{% ${{{parameter}}} %}}"
    assert source["Parameters"][parameter]["Default"] == at_a_time


@pytest.mark.parametrize(
    ("name", "manifest_key"),
    [("ConvertLogs", log_files.manifest_key), ("CompareBatches", comparison_plan.manifest_key)],
)
def test_a_map_reads_the_manifest_that_the_step_before_writes(
    machine: dict[str, Any], name: str, manifest_key: Callable[[Run], str]
) -> None:
    expression = machine["States"][name]["ItemReader"]["Arguments"]["Key"]
    run = Run("m-0123456789ab", "m", Status.CONVERTING, "", "")
    parts = expression.removeprefix("{% ").removesuffix(" %}").split(" & ")
    assert parts[1] == "$states.context.Execution.Input.run_id"
    assert parts[0].strip("'") + run.run_id + parts[2].strip("'") == manifest_key(run)


def test_the_machine_may_run_its_map_and_read_its_manifest_only(resources: dict[str, Any]) -> None:
    granted = {
        action: statement["Resource"]
        for statement in resources["StateMachineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if action.startswith(("states:", "s3:"))
    }
    arn = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:"
    executions = [{"Fn::Sub": f"{arn}execution:${{AWS::StackName}}-run{form}"} for form in (":*", "/*")]
    assert granted == {
        "states:StartExecution": {"Fn::Sub": f"{arn}stateMachine:${{AWS::StackName}}-run"},
        "states:DescribeExecution": executions,
        "states:StopExecution": executions,
        "states:RedriveExecution": {"Fn::Sub": f"{arn}execution:${{AWS::StackName}}-run/*"},
        "s3:GetObject": [
            {"Fn::Sub": f"${{DataBucket.Arn}}/runs/*/{folder}/manifest.json"}
            for folder in ("dataset/logs", "comparison")
        ],
    }
