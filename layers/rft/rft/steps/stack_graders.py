"""The graders that a request may name: those of the template, and those that the stack's owner has added to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft.aws.clients import client, error_code

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

OWN_GRADER = "-own-grader-"
"""How a function is named that the owner added: the stack's name before it, the grader's own behind it."""
ALIAS = "live"

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_FUNCTION_NAME = 64
_UNKNOWN = frozenset({"ResourceNotFoundException", "AccessDeniedException", "ValidationException", "404"})


class StackGraders(Mapping[str, str]):
    """Qualified ARNs by name. Iteration gives the ready ones; an owner's is looked for when it is named, so that adding
    one takes no more than its function. It is pinned to the version that its alias leads to at that moment."""

    def __init__(self, ready: Mapping[str, str], stack_name: str) -> None:
        self._ready = ready
        self._stack_name = stack_name

    def __getitem__(self, name: str) -> str:
        found = self._ready.get(name) or owners_grader(client("lambda"), self._stack_name, name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._ready)

    def __len__(self) -> int:
        return len(self._ready)


def owners_grader(functions: LambdaClient, stack_name: str, name: str) -> str | None:
    """The ARN of the version of an owner's grader that is live, None where there is no such grader."""
    function = f"{stack_name}{OWN_GRADER}{name}"
    if len(function) > _MAX_FUNCTION_NAME or not _NAME.fullmatch(name):
        return None
    try:
        found = functions.get_function_configuration(FunctionName=function, Qualifier=ALIAS)
    except ClientError as error:
        if error_code(error) in _UNKNOWN:
            return None
        raise
    return f"{found['FunctionArn'].rpartition(f':function:{function}')[0]}:function:{function}:{found['Version']}"
