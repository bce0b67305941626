"""Who may what in a deployed stack: the documents of roles and of resources, and what runs in which role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tests.iam.cloudformation import Stack, Unresolved
from tests.iam.evaluator import Statement, statements


@dataclass(frozen=True)
class Role:
    """``identity`` is what its inline policies and the stack's own managed policies say."""

    logical: str
    arn: str
    trust: tuple[Statement, ...]
    identity: tuple[Statement, ...]
    boundary: str = ""
    """The ARN of its permissions boundary."""


@dataclass(frozen=True)
class Function:
    """A Lambda function of the stack, and what Lambda itself does for it in its role."""

    logical: str
    name: str
    role: str
    """The logical id of its role."""
    log_group: str
    is_traced: bool
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    dead_letters: str
    """The queue's ARN, or nothing."""
    environment: Mapping[str, str]


class Access:
    """All of a stack's rights, its nested stacks' included."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.all = [stack, *(nested for _, nested in stack.every_nested())]

    @cached_property
    def roles(self) -> dict[str, Role]:
        """By logical id."""
        return {name: role for stack in self.all for name, role in _roles(stack)}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """By the function's name."""
        logical = {role.arn: name for name, role in self.roles.items()}
        found = {}
        for name, properties in self.stack.of_type("AWS::Lambda::Function"):
            function = Function(
                logical=name,
                name=self.stack.physical(name),
                role=logical[properties["Role"]],
                log_group=properties["LoggingConfig"]["LogGroup"],
                is_traced=properties.get("TracingConfig", {}).get("Mode") == "Active",
                subnets=tuple(properties.get("VpcConfig", {}).get("SubnetIds", ())),
                security_groups=tuple(properties.get("VpcConfig", {}).get("SecurityGroupIds", ())),
                dead_letters=properties.get("DeadLetterConfig", {}).get("TargetArn", ""),
                environment=properties.get("Environment", {}).get("Variables", {}),
            )
            found[function.name] = function
        return found

    @cached_property
    def keys(self) -> dict[str, tuple[Statement, ...]]:
        """The policies of the keys that the stack makes, by the key's ARN."""
        return {
            stack.resolve({"Fn::GetAtt": [name, "Arn"]}): statements(properties["KeyPolicy"], name)
            for stack in self.all
            for name, properties in stack.of_type("AWS::KMS::Key")
        }

    @cached_property
    def resource_policies(self) -> dict[str, tuple[Statement, ...]]:
        """Policies of buckets, topics and queues, by the resource's ARN."""
        found: dict[str, tuple[Statement, ...]] = {}
        for stack in self.all:
            for name, properties in stack.of_type("AWS::S3::BucketPolicy"):
                found[self._s3(properties["Bucket"])] = statements(properties["PolicyDocument"], name)
            for name, properties in stack.of_type("AWS::SNS::TopicPolicy"):
                for topic in properties["Topics"]:
                    found[topic] = statements(properties["PolicyDocument"], name)
            for name, properties in stack.of_type("AWS::SQS::QueuePolicy"):
                for url in properties["Queues"]:
                    found[self.queue_arn(url)] = statements(properties["PolicyDocument"], name)
        return found

    @cached_property
    def encrypted_with(self) -> dict[str, str]:
        """The key's ARN of each bucket, table, topic and queue that a customer-managed key encrypts, by its ARN."""
        found: dict[str, str] = {}
        for stack in self.all:
            for name, bucket in stack.of_type("AWS::S3::Bucket"):
                rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
                for rule in rules:
                    key = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
                    found |= {self._s3(stack.physical(name)): key} if key else {}
            for name, table in stack.of_type("AWS::DynamoDB::Table"):
                if key := table.get("SSESpecification", {}).get("KMSMasterKeyId"):
                    found[stack.resolve({"Fn::GetAtt": [name, "Arn"]})] = key
            for name, queue in stack.of_type("AWS::SQS::Queue"):
                if key := queue.get("KmsMasterKeyId"):
                    found[stack.resolve({"Fn::GetAtt": [name, "Arn"]})] = key
            for name, properties in stack.of_type("AWS::SNS::Topic"):
                if key := properties.get("KmsMasterKeyId"):
                    found[stack.physical(name)] = key
        return found

    def queue_arn(self, url: str) -> str:
        of = self.stack.deployment
        return f"arn:{of.partition}:sqs:{of.region}:{of.account}:{url.rpartition('/')[2]}"

    def _s3(self, bucket: str) -> str:
        return f"arn:{self.stack.deployment.partition}:s3:::{bucket}"


def _roles(stack: Stack) -> Iterator[tuple[str, Role]]:
    managed = {
        stack.physical(name): statements(properties["PolicyDocument"], name)
        for name, properties in stack.of_type("AWS::IAM::ManagedPolicy")
    }
    for kind in ("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy"):
        for name, _ in stack.of_type(kind):
            raise Unresolved(f"{name}: policies that are resources of their own are not read here")
    for name, properties in stack.of_type("AWS::IAM::Role"):
        identity: list[Statement] = []
        for policy in properties.get("Policies", []):
            identity += statements(policy["PolicyDocument"], policy["PolicyName"])
        for arn in properties.get("ManagedPolicyArns", []):
            if arn not in managed:
                raise Unresolved(f"{name} has the managed policy {arn}, which is none of the stack's own")
            identity += managed[arn]
        yield (
            name,
            Role(
                logical=name,
                arn=stack.resolve({"Fn::GetAtt": [name, "Arn"]}),
                trust=statements(properties["AssumeRolePolicyDocument"], "trust"),
                identity=tuple(identity),
                boundary=properties.get("PermissionsBoundary", ""),
            ),
        )
