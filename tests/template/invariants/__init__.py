"""What must hold of every deployment of the application, whatever its parameters.

Each rule looks at what CloudFormation would make (the translated template and its nested stacks, their intrinsics
resolved for one set of parameters) and yields findings. None of them is a list of what the template has now: a new
resource is held to them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.template.invariants import (
    api,
    data,
    data_rights,
    events,
    functions,
    keys,
    network,
    rights,
    roles,
    workflow,
)
from tests.template.invariants.deployed import Deployed, Finding

Rule = Callable[[Deployed], Iterable[Finding]]

RULES: tuple[Rule, ...] = (
    *data.RULES,
    *keys.RULES,
    *roles.RULES,
    *rights.RULES,
    *data_rights.RULES,
    *functions.RULES,
    *api.RULES,
    *workflow.RULES,
    *events.RULES,
    *network.RULES,
)


def findings(deployed: Deployed) -> Iterator[Finding]:
    """Everything that any rule has to say, rule by rule."""
    for rule in RULES:
        yield from rule(deployed)
