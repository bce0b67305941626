"""Leaving: all that a stack has in an account is found, shown, removed in an order in which AWS lets it go, and looked
for once more. Broken off anywhere, it is begun again from what is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cli.leaving.account import Account
from cli.leaving.bedrock import Deployments, Jobs, Models, Throughputs
from cli.leaving.data import Buckets, Tables
from cli.leaving.keys import Keys, Needs
from cli.leaving.logs import AccountRole, LogGroups
from cli.leaving.parameters import Parameters
from cli.leaving.resources import Resources
from cli.leaving.runs import Runs
from cli.leaving.stack import TheStack
from cli.leaving.things import Kind, Left, NotYet, Stays, Thing
from cli.steps import Steps
from rft.aws.clients import error_code, error_message
from rft.errors import BedrockBusy, DeploymentPending

_PASSES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "InternalServerException",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "LimitExceededException",
        "ConflictException",
    }
)
"""What is over after a while, though not within the SDK's own tries."""


_UNSEEN = "its tags may not be read, so that nobody can say whose it is"


@dataclass(frozen=True, slots=True)
class Listed:
    """``goes`` in the order of its end; ``kept`` is what a second word is needed for; ``left`` can't be removed."""

    stack: str
    goes: list[Thing]
    kept: list[Thing]
    left: list[Left] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.goes and not self.kept and not self.left


@dataclass
class Outcome:
    removed: list[Thing] = field(default_factory=list)
    kept: list[Thing] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def to_json(self, stack: str) -> dict[str, Any]:
        return {
            "stack": stack,
            "removed": [thing.to_json() for thing in self.removed],
            "kept": [thing.to_json() for thing in self.kept],
            "left": [left.to_json() for left in self.left],
        }


class Leaving:
    """``everything`` takes buckets, table and keys too. Raises ``CliFault`` where the stack is another application.

    Where no stack of this application is there or remembered, its name is all there is to go by, which may be mistyped,
    or the region wrong: nothing is removed then without ``orphans``.
    """

    def __init__(
        self,
        account: Account,
        *,
        everything: bool,
        steps: Steps,
        orphans: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account, self._everything, self._steps = account, everything, steps
        self._sleep, self._monotonic = sleep, monotonic
        resources = Resources(account)
        self._outcome = Outcome()
        deployments, throughputs = Deployments(account), Throughputs(account)
        models = Models(account, [deployments, throughputs], self._stays)
        self._bedrock: list[Kind] = [Jobs(account), deployments, throughputs, models]
        self._rest: list[Kind] = [Parameters(account)]
        self._runs, self._stack = Runs(account, resources), TheStack(account, resources)
        self._logs, self._shared = LogGroups(account, resources), AccountRole(account)
        buckets, tables = Buckets(account, resources), Tables(account, resources)
        needs = Needs(account, [*self._bedrock, buckets, tables])
        keys = Keys(account, resources, needs=needs, say=steps.say)
        self._data: list[Kind] = [self._logs, buckets, tables, keys]
        self._is_there = resources.stack_id is not None
        self.is_orphaned = not resources.is_known and not orphans
        self._no_stack = (
            f"no stack {account.stack} of this application is in {account.region}, nor does CloudFormation remember "
            "one: only --orphans takes it"
        )

    @property
    def _order(self) -> list[Kind]:
        return [self._runs, *self._bedrock, *self._rest, self._stack, *self._data]

    def listed(self) -> Listed:
        """All that is there. Most log groups go with the stack; of those that do not, the end tells."""
        goes: list[Thing] = []
        kept: list[Thing] = []
        has_stack = False
        for kind in self._order:
            if kind is self._logs and has_stack:
                continue
            found = kind.find()
            has_stack = has_stack or (kind is self._stack and bool(found))
            (kept if self._keeps(kind) else goes).extend(found)
        kept += self._shared.find()
        left = self._unseen()
        if self.is_orphaned:
            goes, left = [], [Left(thing, self._no_stack) for thing in goes] + left
        return Listed(self._account.stack, goes, kept, left)

    def _keeps(self, kind: Kind) -> bool:
        return kind.is_data and not self._everything

    def _unseen(self) -> list[Left]:
        """What the last look could not look at."""
        return [Left(thing, _UNSEEN) for kind in self._order if not self._keeps(kind) for thing in kind.unseen()]

    def carry_out(self) -> Outcome:
        """Remove it. What runs could make at the last moment is looked for after the stack is gone."""
        outcome = self._outcome = Outcome()
        if self.is_orphaned:
            listed = self.listed()
            return Outcome(kept=listed.kept, left=listed.left)
        again: list[Kind] = [*self._bedrock, *self._rest]
        stack = [self._stack, *again] if self._is_there else []
        chosen = self._data if self._everything else []
        for kind in [self._runs, *again, *stack, *chosen]:
            if not self._clear(kind, outcome) and kind.stops_all:
                break
        return self._looked_over(outcome)

    def _stays(self, thing_id: str) -> bool:
        return any(left.thing.id == thing_id for left in self._outcome.left)

    def _looked_over(self, outcome: Outcome) -> Outcome:
        """Held against what is there now: the reasons are of the removal, the facts of a new look."""
        self._steps.begin("looking for what is left")
        reasons = {left.thing.id: left.reason for left in outcome.left}
        there: list[Thing] = []
        kept: list[Thing] = []
        for kind in self._order:
            (kept if self._keeps(kind) else there).extend(kind.find())
        kept += self._shared.find()
        self._steps.finish()
        left = [Left(thing, reasons.get(thing.id, "its turn didn't come")) for thing in there] + self._unseen()
        gone = {thing.id: thing for thing in outcome.removed}
        for found in left:
            gone.pop(found.thing.id, None)
        return Outcome(list(gone.values()), kept, left)

    def _clear(self, kind: Kind, outcome: Outcome) -> bool:
        """Whether nothing of the kind is left. What stays is noted with its reason, and not tried a second time."""
        stays = {left.thing.id for left in outcome.left}
        things = {thing.id: thing for thing in kind.find() if thing.id not in stays}
        if not things:
            return True
        count = len(things)
        self._steps.begin(f"removing {count} {kind.title}" if count > 1 else f"removing {kind.title}")
        reasons: dict[str, str] = {}
        until, is_well = self._monotonic() + kind.patience, True
        while things:
            for thing in list(things.values()):
                reason, is_final = self._attempt(kind, thing)
                reasons[thing.id] = reason
                if is_final:
                    outcome.left.append(Left(things.pop(thing.id), reason))
                    is_well = False
            for thing in [thing for thing in things.values() if self._is_gone(kind, thing)]:
                outcome.removed.append(things.pop(thing.id))
            if not things:
                break
            if self._monotonic() > until:
                waited = f"it was still there after {kind.patience / 60:.0f} minutes"
                outcome.left += [Left(thing, reasons[thing.id] or waited) for thing in things.values()]
                is_well = False
                break
            self._steps.note(self._progress(kind) or f"{count - len(things)} of {count}")
            self._sleep(self._account.pause_seconds)
        (self._steps.finish if is_well else self._steps.fail)()
        return is_well

    def _attempt(self, kind: Kind, thing: Thing) -> tuple[str, bool]:
        """Why it isn't gone yet, if that is known, and whether it never will be."""
        try:
            kind.remove(thing)
        except Stays as stays:
            return str(stays), True
        except (NotYet, BedrockBusy, DeploymentPending) as waiting:
            return str(waiting), False
        except ClientError as error:
            return f"{error_code(error)}: {error_message(error)}", error_code(error) not in _PASSES
        return "", False

    def _progress(self, kind: Kind) -> str:
        """For the eye: what can't be looked up at this moment is not told."""
        try:
            return kind.progress()
        except ClientError:
            return ""

    def _is_gone(self, kind: Kind, thing: Thing) -> bool:
        try:
            return kind.is_gone(thing)
        except (BedrockBusy, DeploymentPending):
            return False
        except ClientError as error:
            if error_code(error) not in _PASSES:
                raise
            return False
