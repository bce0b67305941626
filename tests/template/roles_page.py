"""What docs/ has that is made of the templates: roles.md, every right of every role, for a deployment with all that is
optional; keys/*.json, the policies of the keys.

`python -m tests.template.roles_page` writes them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.iam.cloudformation import Stack
from tests.iam.evaluator import Statement
from tests.iam.policies import Access
from tests.template.as_deployed import RANDOM, STACK, deployed

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "roles.md"
KEYS = {"DataKey": DOCS / "keys" / "data.json", "MessageKey": DOCS / "keys" / "messages.json"}
"""Where the policy of each key of stacks/keys.yaml stands."""
ACCOUNT = "111122223333"
PLAIN: dict[str, str] = {}
ALL = {
    "InvocationLogBucket": "LOG_BUCKET",
    "InvocationLogKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/LOG_KEY",
    "JudgeInferenceProfileArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/JUDGE_PROFILE",
    "JudgeProfileModelArns": "arn:aws:bedrock:us-east-2::foundation-model/JUDGE",
    "GraderArns": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:YOUR_GRADER:1",
    "NetworkMode": "create",
    "FunctionsInVpc": "true",
    "ApiAccessLogs": "set-account-role",
}
HEAD = """# What each role may do

Made of the template (`python -m tests.template.roles_page`), for a stack with everything that is optional; a test holds
it to the template. `<stack>` is the stack's name. Rows marked ◦ are there only with the parameter that asks for them:
`NetworkMode`, `FunctionsInVpc`, `InvocationLogBucket`, `JudgeInferenceProfileArn`, `GraderArns`, `ApiAccessLogs`. Every
function has the rows of FunctionRuntime as well. Why a right is as wide as it is stands beside its statement in
`template.yaml`; [the page on security](security.md) has each `*`.
"""
Row = tuple[str, str, str]
"""What may be done, on what, under which conditions."""
EVERY_FUNCTION = "FunctionRuntime"
"""The managed policy that the roles of all functions have."""


def page() -> str:
    every, plain = _rights(deployed(ALL)), _rights(deployed(PLAIN))
    parts = [HEAD]
    for rows, names in _alike(every):
        parts.append(f"\n## {', '.join(names)}\n\n{_purpose(names)}\n\n| may | on | if |\n|---|---|---|\n")
        usual = {row for name in names for row in plain.get(name, ())}
        parts += [f"| {'' if row in usual else '◦ '}{row[0]} | {row[1]} | {row[2]} |\n" for row in rows]
    return "".join(parts)


def _rights(stack: Stack) -> dict[str, tuple[Row, ...]]:
    """The rows by the name of the role, and those of every function by the name of their policy."""
    access = Access(stack)
    logs = {function.role: function.log_group for function in access.functions.values()}
    found = {}
    for name, role in access.roles.items():
        texts = _Texts(logs.get(name, "none"))
        rows = [(statement.policy, texts.row(statement)) for statement in role.identity]
        found[name.removesuffix("Role")] = tuple(row for policy, row in rows if policy != EVERY_FUNCTION)
        found |= (
            {EVERY_FUNCTION: shared}
            if (shared := tuple(row for policy, row in rows if policy == EVERY_FUNCTION))
            else {}
        )
    return found


def _alike(rights: dict[str, tuple[Row, ...]]) -> Iterator[tuple[tuple[Row, ...], list[str]]]:
    """Roles with equal rights stand together."""
    groups = defaultdict(list)
    for name, rows in sorted(rights.items()):
        groups[rows].append(name)
    return iter(sorted(groups.items(), key=lambda group: group[1]))


def _purpose(names: Iterable[str]) -> str:
    resources = {name: one.get("Properties", {}) for name, one in deployed(ALL).template["Resources"].items()}
    said = [resources.get(place, {}).get("Description") for name in names for place in (name, f"{name}Role")]
    return "; ".join(dict.fromkeys(text for text in said if isinstance(text, str))) or "A service of AWS, for the stack"


class _Texts:
    """Rows without what is the same in all of them: account, region, and what CloudFormation puts behind names."""

    def __init__(self, own_log: str) -> None:
        self._own_log = f"log-group:{own_log}:*"

    def row(self, statement: Statement) -> Row:
        verb = "" if statement.effect == "Allow" else "**not** "
        return (
            verb + ", ".join(f"`{action}`" for action in statement.actions),
            ", ".join(map(self._short, statement.resources)),
            "; ".join(
                f"`{key}` {_OPERATORS.get(operator, 'is')} {' or '.join(map(self._short, expected))}"
                for operator, key, expected in statement.conditions
            ),
        )

    def _short(self, text: str) -> str:
        if text.endswith(self._own_log):
            return "its log"
        text = re.sub(rf"-{RANDOM}\b", "", text)
        text = re.sub(r"^arn:aws:([a-z0-9-]+):([a-z0-9-]*):(\d*):", _head, text)
        text = re.sub(rf"\b{STACK}-", "<stack>-", text)
        text = re.sub(rf"\b{STACK}\b(?!:)", "<stack>", text)
        return f"`{text.replace('us-east-1', '<region>').replace(ACCOUNT, '<account>')}`"


_OPERATORS = {"StringLikeIfExists": "is, if given,", "ForAllValues:StringEquals": "are nothing but"}


def _head(arn: re.Match[str]) -> str:
    return f"{arn[1]}: {'' if arn[2] in {'', 'us-east-1'} else f'{arn[2]} '}"


def key_policy(logical: str) -> str:
    """As a key of one's own needs it, with placeholders for account, region and stack."""
    policy = json.dumps(deployed().nested("Keys").properties(logical)["KeyPolicy"], indent=2)
    for value, placeholder in ((ACCOUNT, "ACCOUNT"), ("us-east-1", "REGION"), (rf"\b{STACK}\b(?!:)", "STACK")):
        policy = re.sub(value, placeholder, policy)
    return f"{policy}\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    for key, path in KEYS.items():
        path.write_text(key_policy(key))
