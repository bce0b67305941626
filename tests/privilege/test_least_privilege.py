"""Every right that a run needed is granted, and every right that is granted was needed.

The calls are those of the end-to-end tests' functions and training jobs; the rights are those of the template, resolved
with the names and parameters that it was deployed with.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from local.cloud import STACK
from tests.iam import templates
from tests.iam.calls.place import Need
from tests.iam.evaluator import Decision, Request, decide, statements
from tests.iam.recordings import JOB_ROLE, Recording
from tests.iam.usage import Findings, Grant
from tests.privilege.exceptions import EXCEPTIONS, TOLERATED
from tests.template.sample_policies import filled_in


def needed(recordings: Iterable[Recording]) -> Findings:
    """What the runs of all clouds and stacks needed. A grant has the same name in each, where its parameters are."""
    together = Findings()
    for recording in recordings:
        for stack in recording.rights:
            together.add(recording.findings(stack))
    return together


def grants(recordings: Iterable[Recording]) -> set[Grant]:
    """All rights of the roles that calls are made in: each function's and the training job's, of the main stack."""
    found = set()
    for recording in recordings:
        rights = recording.rights[STACK]
        roles = {JOB_ROLE, *(function.role for function in rights.access.functions.values())}
        found |= {grant for role in roles for _, grant in rights.grants[role]}
    return found


@pytest.fixture(scope="session")
def findings(recordings: list[Recording]) -> Findings:
    return needed(recordings)


def unneeded(recordings: list[Recording], findings: Findings) -> list[str]:
    """The rights that nothing needed, and of those that something else allows as well, what that is."""
    left = grants(recordings) - findings.used
    told = []
    for grant in sorted(left, key=str):
        if not any(exception.names(grant) for exception in EXCEPTIONS):
            others = "; ".join(sorted(f"{one.action} on {one.resource}" for one in findings.shared.get(grant, ())))
            told.append(f"{grant}" + (f" (allowed as well by: {others})" if others else ""))
    return told


def test_every_call_is_allowed(recordings: list[Recording]) -> None:
    assert (
        sorted({one for recording in recordings for stack in recording.rights for one in told(recording, stack)}) == []
    )


def told(recording: Recording, stack: str) -> list[str]:
    return [str(one) for one in recording.findings(stack).denied if not any(right.names(one) for right in TOLERATED)]


def test_every_right_that_is_done_without_was_missed(findings: Findings) -> None:
    assert [right for right in TOLERATED if not any(map(right.names, findings.denied))] == []


def test_every_right_was_needed(recordings: list[Recording], findings: Findings) -> None:
    assert unneeded(recordings, findings) == []


def test_every_exception_names_a_right_that_nothing_needed(recordings: list[Recording], findings: Findings) -> None:
    all_grants = grants(recordings)
    parts = [part for exception in EXCEPTIONS for part in exception.parts]
    assert [part for part in parts if not any(map(part.names, all_grants))] == []
    certain = [exception for exception in EXCEPTIONS if not exception.by_chance]
    assert sorted({str(grant) for grant in findings.used if any(one.names(grant) for one in certain)}) == []
    assert all(len(exception.reason.split()) > 5 for exception in EXCEPTIONS)


def test_every_call_is_within_the_sample_boundary(recordings: list[Recording]) -> None:
    """docs/policies/boundary.json, which an administrator can put on all roles of a stack: runs go on under it."""
    outside = set()
    for recording in recordings:
        for name, rights in recording.rights.items():
            of, given = rights.access.stack.deployment, rights.access.stack.parameters
            values = {"ACCOUNT": of.account, "REGION": of.region, "STACK": name}
            boundary = statements(filled_in("boundary.json", values | {"LOG_BUCKET": given["InvocationLogBucket"]}))
            for role, need in recording.needed(name):
                request = Request(need.action, need.resource, role.arn, {**need.context, "aws:PrincipalArn": role.arn})
                if decide(boundary, request) is not Decision.ALLOW and not is_users_own(need, name):
                    outside.add(f"{role.logical}: {need}")
    assert sorted(outside) == []


def is_users_own(need: Need, stack: str) -> bool:
    """Graders outside the stack (GraderArns): who names them adds them to the boundary as well, as its page says."""
    return ":function:" in need.resource and f":function:{stack}-" not in need.resource


def planted(template: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The statements of the first policy of each function's role in a copy of the template, to be changed."""
    return {
        name: resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and name.endswith("Role")
    }


def test_a_planted_right_is_found(folders: list[Path], recordings: list[Recording]) -> None:
    template = templates.application()
    roles = {function.role for function in recordings[0].rights[STACK].access.functions.values()} | {JOB_ROLE}
    for role, found_there in planted(template).items():
        if role in roles:
            found_there.append({"Effect": "Allow", "Action": "s3:DeleteBucket", "Resource": "arn:aws:s3:::planted"})
    changed = [Recording.read(folder, template) for folder in folders]
    found = unneeded(changed, needed(changed))
    assert {told.partition(":")[0] for told in found if "s3:DeleteBucket on arn:aws:s3:::planted" in told} == roles


def test_a_right_that_was_taken_away_is_found(folders: list[Path], recordings: list[Recording]) -> None:
    """From every role in turn the first action that a call needed; all at once, as roles know nothing of each other."""
    template = templates.application()
    took = set()
    used = {(grant.role, grant.action) for grant in needed(recordings).used}
    for role, found_there in planted(template).items():
        for statement in copy.copy(found_there):
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if any((role, action) in used for action in actions):
                found_there.remove(statement)
                took.add(role)
                break
    assert took >= {JOB_ROLE, "SubmitJobRole", "ApiFunctionRole", "StartRunRole"}
    changed = [Recording.read(folder, template) for folder in folders]
    assert {denial.role for denial in needed(changed).denied} >= took
