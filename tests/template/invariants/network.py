"""The private network: no way out but AWS's endpoints, and these only for what is ours."""

from __future__ import annotations

from collections.abc import Iterator

from tests.template.invariants.deployed import Deployed, Finding, Resource, Statement, as_list
from tests.template.invariants.rights import our_starts

WAYS_OUT = (
    "AWS::EC2::InternetGateway",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::EIP",
    "AWS::EC2::VPCPeeringConnection",
    "AWS::EC2::TransitGatewayAttachment",
)
EVERYWHERE = ("0.0.0.0/0", "::/0")


def no_way_out(deployed: Deployed) -> Iterator[Finding]:
    for resource in deployed.of_type(*WAYS_OUT):
        yield Finding("no-way-out", resource.name, f"{resource.kind} leads out of the network")
    for route in deployed.of_type("AWS::EC2::Route"):
        yield Finding("no-way-out", route.name, "a route beside those of the endpoints")
    for subnet in deployed.of_type("AWS::EC2::Subnet"):
        if subnet.properties.get("MapPublicIpOnLaunch") not in (None, False, "false"):
            yield Finding("no-way-out", subnet.name, "what is in it gets a public address")


def _rules(deployed: Deployed, way: str) -> Iterator[tuple[Resource, dict[str, object]]]:
    for group in deployed.of_type("AWS::EC2::SecurityGroup"):
        for rule in as_list(group.properties.get(f"SecurityGroup{way}", [])):
            yield group, rule
    for single in deployed.of_type(f"AWS::EC2::SecurityGroup{way}"):
        yield single, single.properties


def groups_narrow(deployed: Deployed) -> Iterator[Finding]:
    """Nothing from everywhere, nothing to everywhere; a group without rules for going out would let everything out."""
    for way in ("Ingress", "Egress"):
        for resource, rule in _rules(deployed, way):
            if rule.get("CidrIp") in EVERYWHERE or rule.get("CidrIpv6") in EVERYWHERE:
                yield Finding("groups-narrow", resource.name, f"{way.lower()} of everywhere")
            if str(rule.get("IpProtocol")) == "-1" and rule.get("CidrIp") != "127.0.0.1/32":
                yield Finding("groups-narrow", resource.name, f"{way.lower()} by every protocol")
    for group in deployed.of_type("AWS::EC2::SecurityGroup"):
        if not group.properties.get("SecurityGroupEgress"):
            yield Finding("groups-narrow", group.name, "without a rule for going out everything may")


def endpoints_narrow(deployed: Deployed) -> Iterator[Finding]:
    """Each endpoint has a policy that says for what, or for whom; AWS's own default is everything for everybody."""
    for endpoint in deployed.of_type("AWS::EC2::VPCEndpoint"):
        document = endpoint.properties.get("PolicyDocument")
        if not document:
            yield Finding("endpoints-narrow", endpoint.name, "it has AWS's policy, which allows everything")
            continue
        for one in as_list(document["Statement"]):
            statement = Statement(endpoint.name, one)
            if statement.allows:
                yield from _wide(deployed, statement)


def _wide(deployed: Deployed, statement: Statement) -> Iterator[Finding]:
    """What an endpoint's statement lets through that is neither ours nor asked by us."""
    bound = [
        value
        for key in ("aws:PrincipalAccount", "aws:ResourceAccount", "aws:PrincipalArn", "aws:SourceAccount")
        for value in statement.demands(key)
    ]
    ours = bound and all(deployed.account in str(value) for value in bound)
    strangers = [who for _, who in statement.principals if who != "*" and f":{deployed.account}:" not in who]
    foreign = [arn for arn in statement.resources if "*" in arn and not arn.startswith(our_starts(deployed))]
    if strangers:
        yield Finding("endpoints-narrow", statement.owner, f"{strangers} may use it")
    if foreign and not ours and any(who == "*" for _, who in statement.principals):
        yield Finding("endpoints-narrow", statement.owner, f"everybody, on {foreign}")
    if "*" in statement.actions and not ours:
        yield Finding("endpoints-narrow", statement.owner, "every action")


def endpoints_reached(deployed: Deployed) -> Iterator[Finding]:
    """An interface endpoint answers under its service's name, and to whom its security group lets in."""
    for endpoint in deployed.of_type("AWS::EC2::VPCEndpoint"):
        if endpoint.properties.get("VpcEndpointType") != "Interface":
            continue
        if endpoint.properties.get("PrivateDnsEnabled") is not True:
            yield Finding("endpoints-reached", endpoint.name, "without private DNS calls go past it")
        if not endpoint.properties.get("SecurityGroupIds"):
            yield Finding("endpoints-reached", endpoint.name, "it has the network's default group")


def endpoints_there(deployed: Deployed) -> Iterator[Finding]:
    """A network of the stack's own reaches S3 (reading and writing) and KMS, in two zones at least."""
    if deployed.stack.deployment.parameters.get("NetworkMode") != "create":
        return
    endpoints = {
        str(e.properties["ServiceName"]).rpartition(".")[2]: e for e in deployed.of_type("AWS::EC2::VPCEndpoint")
    }
    for service in ("s3", "kms"):
        if service not in endpoints:
            yield Finding("endpoints-there", "Network", f"no endpoint of {service}")
    if "s3" in endpoints:
        allowed = {
            action
            for one in as_list(endpoints["s3"].properties.get("PolicyDocument", {}).get("Statement", []))
            for action in Statement("", one).actions
        }
        if not {"s3:GetObject", "s3:PutObject", "s3:ListBucket"} <= allowed and "s3:*" not in allowed:
            yield Finding(
                "endpoints-there", endpoints["s3"].name, "a job could not read its data, or not write its output"
            )
    zones = {str(subnet.properties.get("AvailabilityZone")) for subnet in deployed.of_type("AWS::EC2::Subnet")}
    if len(zones) < 2:
        yield Finding("endpoints-there", "Network", "subnets in one zone only")
    for vpc in deployed.of_type("AWS::EC2::VPC"):
        if not (vpc.properties.get("EnableDnsSupport") and vpc.properties.get("EnableDnsHostnames")):
            yield Finding("endpoints-there", vpc.name, "without its DNS the endpoints have no names")


def network_denies_only_the_job(deployed: Deployed) -> Iterator[Finding]:
    """What is denied outside the network is denied to the job's role alone: uploads and functions come from outside."""
    role = deployed.named("BedrockRole")
    denying = False
    for bucket in deployed.of_type("AWS::S3::Bucket"):
        for statement in deployed.policies_of("AWS::S3::BucketPolicy", "Bucket", bucket.physical):
            if not any(name in ("aws:sourcevpc", "aws:sourcevpce") for _, name, _ in statement.conditions):
                continue
            who = statement.demands("aws:PrincipalArn", "ArnEquals", "ArnLike", "StringEquals", "StringLike")
            path = f":role/{deployed.name}/{role.physical}" if role else "?"
            if not who or not all(str(arn).endswith(path) for arn in who):
                yield Finding("network-denies-only-the-job", bucket.name, "others than the job are shut out of it")
            denying = denying or bucket.name == "DataBucket"
    wanted = deployed.stack.deployment.parameters.get("NetworkMode", "none") != "none"
    if deployed.named("DataBucket") and wanted != denying:
        yield Finding("network-denies-only-the-job", "DataBucket", "the job may read it from elsewhere")


RULES = (no_way_out, groups_narrow, endpoints_narrow, endpoints_reached, endpoints_there, network_denies_only_the_job)
