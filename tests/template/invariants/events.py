"""The rules of EventBridge: from whom, of what, and to whom; nobody else puts events on our bus."""

from __future__ import annotations

from collections.abc import Iterator

from tests.template.invariants.deployed import Deployed, Finding

# The door for requests takes events of any source: who may put events on an account's bus is IAM's business.
FROM_ANYONE = {"RFT Run Requested"}


def rules_bound(deployed: Deployed) -> Iterator[Finding]:
    """A rule names its source and kind of event; of a service that many use, which bucket or machine it is about."""
    buckets = [bucket.physical for bucket in deployed.of_type("AWS::S3::Bucket")]
    for rule in deployed.of_type("AWS::Events::Rule"):
        pattern = rule.properties.get("EventPattern", {})
        kinds = pattern.get("detail-type", [])
        sources = pattern.get("source", [])
        if not kinds or not all(isinstance(kind, str) for kind in kinds):
            yield Finding("rules-bound", rule.name, "it does not say of which kinds of events")
        if not sources and not (kinds and set(map(str, kinds)) <= FROM_ANYONE):
            yield Finding("rules-bound", rule.name, "anybody's event is taken")
        detail = pattern.get("detail", {})
        if "aws.s3" in sources and detail.get("bucket", {}).get("name") not in [[bucket] for bucket in buckets]:
            yield Finding("rules-bound", rule.name, "uploads into other buckets are taken")
        machines = [f":stateMachine:{deployed.name}-" in str(arn) for arn in detail.get("stateMachineArn", [])]
        if "aws.states" in sources and not (machines and all(machines)):
            yield Finding("rules-bound", rule.name, "executions of other machines are taken")


def rules_lose_nothing(deployed: Deployed) -> Iterator[Finding]:
    for rule in deployed.of_type("AWS::Events::Rule"):
        for target in rule.properties.get("Targets", []):
            if not target.get("DeadLetterConfig", {}).get("Arn") or not target.get("RetryPolicy"):
                yield Finding("rules-lose-nothing", rule.name, "an event that can't be delivered is lost")


def bus_closed(deployed: Deployed) -> Iterator[Finding]:
    for policy in deployed.of_type("AWS::Events::EventBusPolicy"):
        yield Finding("bus-closed", policy.name, "others put events on the bus")


RULES = (rules_bound, rules_lose_nothing, bus_closed)
