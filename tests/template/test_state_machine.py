"""The state machine's promises: every state bounded, every failure closed, every name real."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import botocore.exceptions

from rft import errors
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.log_files import manifest_key

TASKS = {
    *("ListLogs", "AssembleLogs", "PrepareDataset", "CheckGrader", "SubmitJob", "AwaitJob", "DeployModel", "CloseRun"),
    "Notify",
}


def batch_state(machine: dict[str, Any]) -> dict[str, Any]:
    """The one state of the map's child executions."""
    (state,) = machine["States"]["ConvertLogs"]["ItemProcessor"]["States"].values()
    found: dict[str, Any] = state
    return found


def test_every_task_is_bounded_in_time_and_tried_again(machine: dict[str, Any]) -> None:
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    assert set(tasks) == TASKS
    for name, state in [*tasks.items(), ("ConvertBatch", batch_state(machine))]:
        assert "TimeoutSeconds" in state, name
        assert state["Retry"], name
        assert all("MaxAttempts" in retry for retry in state["Retry"]), name
    assert machine["TimeoutSeconds"] > 72 * 3600


def test_every_state_that_can_fail_leads_to_close_run(machine: dict[str, Any]) -> None:
    for name in TASKS - {"CloseRun", "Notify"} | {"ConvertLogs"}:
        last = machine["States"][name]["Catch"][-1]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "CloseRun"), name
    assert machine["States"]["CloseRun"]["Next"] == "Notify"
    timeout = machine["States"]["AwaitJob"]["Catch"][0]
    assert (timeout["ErrorEquals"], timeout["Next"]) == (["States.Timeout"], "AwaitJob")


def test_every_error_that_is_caught_by_name_exists(machine: dict[str, Any]) -> None:
    ours = {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
    named = {
        error
        for state in [*machine["States"].values(), batch_state(machine)]
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }
    services = re.compile(r"(States|Lambda|Sandbox|Runtime)\..+|.*Exception")
    sdk = {name for name in vars(botocore.exceptions) if name.endswith("Error")}
    assert {error for error in named if not services.fullmatch(error)} <= ours | sdk
    assert {"ResponseStreamingError", "ConnectionClosedError"} <= named  # a body, a connection that breaks off
    assert {"JobQuotaFull", "DeploymentPending", "BedrockBusy"} <= named


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
    others = {"Partition", "JobCheckMinutes", "ConvertConcurrency", "DataBucket"}
    assert {f"{name}Arn" for name in used} | others == set(substitutions)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    invoke = resources["StateMachineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    assert {r["Fn::GetAtt"][0] for r in invoke["Resource"]} == used == TASKS | {"ConvertLogs"}


def test_only_the_run_id_and_names_of_errors_travel(machine: dict[str, Any]) -> None:
    for name in TASKS:
        arguments = machine["States"][name]["Arguments"]
        assert set(arguments.get("Payload", arguments)) <= {"run_id", "task_token", "error", "cause", "attempt"}, name
    assert set(batch_state(machine)["Arguments"]) == {"run_id", "batch"}


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
    states = {name: machine["States"][name] for name in TASKS} | {"ConvertBatch": batch_state(machine)}
    for name, state in states.items():
        tried = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
        assert {"Sandbox.Timedout", "Runtime.ExitError"} <= tried or "States.ALL" in tried, name
        assert "States.Timeout" in tried or "States.ALL" in tried or name == "AwaitJob", name


def test_a_function_ends_by_its_own_time_limit_before_its_state_does(
    machine: dict[str, Any], resources: dict[str, Any]
) -> None:
    """So that what is on record is the name of the function's error, and no second one runs beside the first."""
    states = {name: machine["States"][name] for name in TASKS - {"AwaitJob"}} | {"ConvertLogs": batch_state(machine)}
    for name, state in states.items():
        assert state["TimeoutSeconds"] > resources[name]["Properties"]["Timeout"], name


def test_a_gate_that_ran_out_of_time_asks_its_models_once_more_at_most(machine: dict[str, Any]) -> None:
    retry = machine["States"]["CheckGrader"]["Retry"]
    tries = {error: rule["MaxAttempts"] for rule in retry for error in rule["ErrorEquals"]}
    assert {tries[error] for error in ("States.Timeout", "Sandbox.Timedout", "Runtime.ExitError")} == {1}
    assert sum(len(rule["ErrorEquals"]) for rule in retry) == len(tries), "a name that stands twice counts only once"


def test_a_grader_that_is_throttled_is_tried_again(machine: dict[str, Any]) -> None:
    """botocore names the class of the error by its code, and Step Functions sees the name of the class."""
    tried = {error for rule in machine["States"]["CheckGrader"]["Retry"] for error in rule["ErrorEquals"]}
    lambdas = boto3.client("lambda", region_name="us-east-1")
    codes = [
        *("TooManyRequestsException", "ServiceException", "EC2ThrottledException"),
        *("ResourceConflictException", "ResourceNotReadyException"),
    ]
    assert {lambdas.exceptions.from_code(code).__name__ for code in codes} <= tried


def test_no_job_is_submitted_but_past_the_gate(machine: dict[str, Any]) -> None:
    to_submit = [name for name, state in machine["States"].items() if state.get("Next") == "SubmitJob"]
    assert to_submit == ["CheckGrader"]
    assert machine["States"]["PrepareDataset"]["Next"] == "CheckGrader"


def test_notify_is_told_which_try_is_its_last(machine: dict[str, Any]) -> None:
    from rft.steps.notify import _ATTEMPTS

    (retry,) = machine["States"]["Notify"]["Retry"]
    assert retry["MaxAttempts"] + 1 == _ATTEMPTS
    assert "RetryCount" in machine["States"]["Notify"]["Arguments"]["attempt"]


def test_logs_are_converted_first_and_an_old_input_means_a_dataset(machine: dict[str, Any]) -> None:
    choice = machine["States"][machine["StartAt"]]
    assert (choice["Default"], [rule["Next"] for rule in choice["Choices"]]) == ("PrepareDataset", ["ListLogs"])
    # In JSONata a comparison with what isn't there is false: an input without "data" goes on to PrepareDataset.
    assert choice["Choices"][0]["Condition"] == "{% $states.context.Execution.Input.data = 'logs' %}"


def test_the_map_of_batches_is_bounded_by_no_payload(machine: dict[str, Any], source: dict[str, Any]) -> None:
    """Its items come from the bucket and its results are empty: 256 KiB are enough for any number of batches."""
    state = machine["States"]["ConvertLogs"]
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert state["Output"] == batch_state(machine)["Output"] == {}
    assert "ItemSelector" not in state
    assert "ToleratedFailurePercentage" not in state, "a batch that is lost is a run that failed"
    assert state["MaxConcurrency"] == "{% ${ConvertConcurrency} %}"
    assert source["Parameters"]["ConvertConcurrency"]["Default"] == 40


def test_the_map_reads_the_manifest_that_the_listing_writes(machine: dict[str, Any]) -> None:
    expression = machine["States"]["ConvertLogs"]["ItemReader"]["Arguments"]["Key"]
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
        "s3:GetObject": {"Fn::Sub": "${DataBucket.Arn}/runs/*/dataset/logs/manifest.json"},
    }
