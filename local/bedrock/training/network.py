"""A job's way into the customer's VPC: what Bedrock looks at and makes there, with the job's role.

The five statements of the user guide ("Protect your model customization jobs using a VPC"): the subnets and security
groups are really looked up; of network interfaces only the rights are asked for, as nothing would run behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local.bedrock.authorization.checking import Need
from local.bedrock.training.failure import JobFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.bedrock.training.access import Role

_ABSENT = {"InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound", "InvalidGroup.NotFound", "InvalidGroupId.NotFound"}


def enter(role: Role, config: dict[str, Any], *, job_arn: str) -> None:
    """Make the role's further calls come from the VPC of ``config`` (a ``vpcConfig``). Raises ``JobFailed``."""
    subnets, groups = config.get("subnetIds") or [], config.get("securityGroupIds") or []
    ec2 = role.client("ec2")
    found = _looked_up(role, ec2, "subnets", "Subnets", SubnetIds=subnets)
    found_groups = _looked_up(role, ec2, "security_groups", "SecurityGroups", GroupIds=groups)
    if absent := {*subnets, *groups} - {s["SubnetId"] for s in found} - {g["GroupId"] for g in found_groups}:
        raise JobFailed(f"The vpcConfig names what does not exist: {', '.join(sorted(absent))}.")
    vpcs = {one["VpcId"] for one in [*found, *found_groups]}
    if len(vpcs) != 1:
        raise JobFailed(f"The subnets and security groups of the vpcConfig must be in one VPC, not in {len(vpcs)}.")
    (vpc_id,) = vpcs
    _looked_up(role, ec2, "vpcs", "Vpcs", VpcIds=[vpc_id])
    _looked_up(role, ec2, "dhcp_options", "DhcpOptions")
    filters = [{"Name": "subnet-id", "Values": subnets}]
    _looked_up(role, ec2, "network_interfaces", "NetworkInterfaces", Filters=filters)
    account = job_arn.split(":")[4]
    place = f"arn:aws:ec2:{role.region}:{account}:"
    role.may(
        list(
            _interface_needs(
                place, [f"{place}subnet/{s}" for s in subnets], [f"{place}security-group/{g}" for g in groups], job_arn
            )
        )
    )
    role.come_from(vpc_id)


def _looked_up(role: Role, ec2: Any, what: str, member: str, **named: Any) -> list[dict[str, Any]]:
    action = "ec2:Describe" + "".join(part.title() for part in what.split("_"))
    with role.doing(action, "*"):
        try:
            found: list[dict[str, Any]] = getattr(ec2, f"describe_{what}")(**named).get(member, [])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                return []
            raise
    return found


def _interface_needs(place: str, subnets: list[str], groups: list[str], job_arn: str) -> Iterator[Need]:
    """The rights to make and remove an interface in each subnet, tagged by Bedrock."""
    interface = f"{place}network-interface/*"
    tags = {"BedrockManaged": "true", "BedrockModelCustomizationJobArn": job_arn}
    requested = {f"aws:RequestTag/{key}": value for key, value in tags.items()} | {"aws:TagKeys": list(tags)}
    existing = {f"ec2:ResourceTag/{key}": value for key, value in tags.items()}
    existing |= {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    yield Need("ec2:CreateNetworkInterface", interface, requested)
    yield Need("ec2:CreateTags", interface, requested | {"ec2:CreateAction": "CreateNetworkInterface"})
    for resource in [*subnets, *groups]:
        yield Need("ec2:CreateNetworkInterface", resource)
    for subnet in subnets:
        for action in (
            "CreateNetworkInterfacePermission",
            "DeleteNetworkInterface",
            "DeleteNetworkInterfacePermission",
        ):
            yield Need(f"ec2:{action}", interface, existing | {"ec2:Subnet": subnet})
