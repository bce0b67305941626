"""The state machine's promises: every state bounded, every failure closed, every name real."""

from __future__ import annotations

import json
import re
from typing import Any

from rft import errors

TASKS = {"PrepareDataset", "SubmitJob", "AwaitJob", "DeployModel", "CloseRun", "Notify"}


def test_every_task_is_bounded_in_time_and_tried_again(machine: dict[str, Any]) -> None:
    tasks = {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}
    assert set(tasks) == TASKS
    for name, state in tasks.items():
        assert "TimeoutSeconds" in state, name
        assert state["Retry"], name
        assert all("MaxAttempts" in retry for retry in state["Retry"]), name
    assert machine["TimeoutSeconds"] > 72 * 3600


def test_every_state_that_can_fail_leads_to_close_run(machine: dict[str, Any]) -> None:
    for name in TASKS - {"CloseRun", "Notify"}:
        last = machine["States"][name]["Catch"][-1]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "CloseRun"), name
    assert machine["States"]["CloseRun"]["Next"] == "Notify"
    timeout = machine["States"]["AwaitJob"]["Catch"][0]
    assert (timeout["ErrorEquals"], timeout["Next"]) == (["States.Timeout"], "AwaitJob")


def test_every_error_that_is_caught_by_name_exists(machine: dict[str, Any]) -> None:
    ours = {name for name in vars(errors) if isinstance(vars(errors)[name], type)}
    named = {
        error
        for state in machine["States"].values()
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
    }
    foreign = re.compile(
        r"(States|Lambda|Sandbox|Runtime)\..+|ClientError|.*(Exception|TimeoutError|ConnectionError)|IncompleteReadError"
    )
    assert {error for error in named if not foreign.fullmatch(error)} <= ours
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
    assert {f"{name}Arn" for name in used} | {"Partition", "JobCheckMinutes"} == set(substitutions)
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(substitutions)
    invoke = resources["StateMachineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    assert {r["Fn::GetAtt"][0] for r in invoke["Resource"]} == used == TASKS


def test_only_the_run_id_and_names_of_errors_travel(machine: dict[str, Any]) -> None:
    for name in TASKS:
        arguments = machine["States"][name]["Arguments"]
        assert set(arguments.get("Payload", arguments)) <= {"run_id", "task_token", "error", "cause", "attempt"}, name


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
    for name in TASKS:
        tried = {error for rule in machine["States"][name]["Retry"] for error in rule["ErrorEquals"]}
        assert {"Sandbox.Timedout", "Runtime.ExitError"} <= tried or "States.ALL" in tried, name
        assert "States.Timeout" in tried or "States.ALL" in tried or name == "AwaitJob", name


def test_notify_is_told_which_try_is_its_last(machine: dict[str, Any]) -> None:
    from rft.steps.notify import _ATTEMPTS

    (retry,) = machine["States"]["Notify"]["Retry"]
    assert retry["MaxAttempts"] + 1 == _ATTEMPTS
    assert "RetryCount" in machine["States"]["Notify"]["Arguments"]["attempt"]
