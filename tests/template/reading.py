"""How the tests of the templates look at what CloudFormation gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

# The closed list: actions that know no resource.
STAR_ALLOWED = (
    {"states:SendTaskSuccess", "states:SendTaskFailure", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"}
    | {f"xray:{name}" for name in ("PutTelemetryRecords", "PutTraceSegments", "GetSamplingRules", "GetSamplingTargets")}
    | {f"ec2:Describe{name}" for name in ("NetworkInterfaces", "Vpcs", "DhcpOptions", "Subnets", "SecurityGroups")}
    | {f"logs:{name}LogDelivery" for name in ("Create", "Get", "Update", "Delete")}
    | {"logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"}
)
# And those whose condition says what the resource does not, as in AWS's own policy for a job in a VPC.
STAR_UNDER_TAGS = {
    *("ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission")
}


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of all resources of a type, by their names."""
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def unconditional(item: Any) -> list[Any]:
    """What may stand in a list: the item itself, or both branches of an Fn::If that are more than nothing."""
    branches = item["Fn::If"][1:] if isinstance(item, dict) and "Fn::If" in item else [item]
    return [branch for branch in branches if branch != {"Ref": "AWS::NoValue"}]


def document(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy document, those under a condition too."""
    return [statement for item in policy["Statement"] for statement in unconditional(item)]


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Of the role's own policies. Those that stand under a condition are looked into as well."""
    for item in role.get("Policies", []):
        for policy in unconditional(item):
            yield from document(policy["PolicyDocument"])


def granted(role: dict[str, Any], action: str) -> set[str]:
    """The resources, as JSON, for which a role has a right."""
    return {
        json.dumps(resource, sort_keys=True)
        for statement in statements(role["Properties"])
        if action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def by_sid(resources: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The statements of a resource's policy by their Sids."""
    return {statement["Sid"]: statement for statement in document(resources[name]["Properties"]["PolicyDocument"])}
