"""The functions: what starts them, what they know, where they write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.template.invariants.deployed import Deployed, Finding, as_list

RUNTIME = "python3.13"
SECRET_NAMES = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|API_?KEY|PRIVATE", re.IGNORECASE)
SECRET_VALUES = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{16}|xox[abpr]-|gh[pousr]_[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{20}|-----BEGIN|://[^/\s:@]+:[^/\s@]+@"
)


def functions_current(deployed: Deployed) -> Iterator[Finding]:
    for function in deployed.of_type("AWS::Lambda::Function"):
        if function.properties.get("Runtime") != RUNTIME:
            yield Finding("functions-current", function.name, f"it does not run on {RUNTIME}")


def functions_traced(deployed: Deployed) -> Iterator[Finding]:
    for function in deployed.of_type("AWS::Lambda::Function"):
        if function.properties.get("TracingConfig") != {"Mode": "Active"}:
            yield Finding("functions-traced", function.name, "its calls leave no trace")


def functions_logged(deployed: Deployed) -> Iterator[Finding]:
    """Each writes into a log group of this template: one that Lambda makes would keep everything for ever."""
    for function in deployed.of_type("AWS::Lambda::Function"):
        group = deployed.named(f"{function.name}Log")
        if group is None or function.properties.get("LoggingConfig", {}).get("LogGroup") != group.physical:
            yield Finding("functions-logged", function.name, "it has no log group of its own in the template")


def functions_hold_no_secrets(deployed: Deployed) -> Iterator[Finding]:
    """Whoever may read a function's configuration reads its environment."""
    for function in deployed.of_type("AWS::Lambda::Function"):
        for name, value in function.properties.get("Environment", {}).get("Variables", {}).items():
            if SECRET_NAMES.search(name) or SECRET_VALUES.search(str(value)):
                yield Finding("functions-hold-no-secrets", function.name, f"{name} looks like a secret")


def functions_lose_nothing(deployed: Deployed) -> Iterator[Finding]:
    """What is invoked by an event, with nobody waiting, has somewhere to leave what it fails on."""
    targets = {
        str(target["Arn"])
        for rule in deployed.of_type("AWS::Events::Rule")
        for target in rule.properties.get("Targets", [])
    }
    for function in deployed.of_type("AWS::Lambda::Function"):
        taken = any(arn.split(":function:")[-1] == function.physical for arn in targets)
        if taken and not function.properties.get("DeadLetterConfig", {}).get("TargetArn"):
            yield Finding("functions-lose-nothing", function.name, "an event that it fails on is lost")


def functions_private(deployed: Deployed) -> Iterator[Finding]:
    """No URL of a function's own; a service invokes one for one named source; layers are nobody else's."""
    for resource in deployed.of_type("AWS::Lambda::Url", "AWS::Lambda::LayerVersionPermission"):
        yield Finding("functions-private", resource.name, f"{resource.kind} opens code to others")
    for permission in deployed.of_type("AWS::Lambda::Permission"):
        properties = permission.properties
        if properties.get("FunctionUrlAuthType"):
            yield Finding("functions-private", permission.name, "it is of a function URL")
        if properties.get("Action") != "lambda:InvokeFunction":
            yield Finding("functions-private", permission.name, f"{properties.get('Action')} is more than invoking it")
        if not str(properties.get("Principal", "*")).endswith(".amazonaws.com"):
            yield Finding("functions-private", permission.name, f"{properties.get('Principal')} may invoke it")
        source = str(properties.get("SourceArn", ""))
        if f":{deployed.account}:" not in source or source.endswith((":*", f":{deployed.account}:rule/*")):
            yield Finding("functions-private", permission.name, "it does not say from where it may be invoked")


def functions_in_network(deployed: Deployed) -> Iterator[Finding]:
    """All of them in the private network where that was asked for."""
    if deployed.stack.deployment.parameters.get("FunctionsInVpc") != "true":
        return
    for function in deployed.of_type("AWS::Lambda::Function"):
        network = function.properties.get("VpcConfig", {})
        if not network.get("SubnetIds") or not network.get("SecurityGroupIds"):
            yield Finding("functions-in-network", function.name, "it is outside the network")


def job_wired(deployed: Deployed) -> Iterator[Finding]:
    """SubmitJob gets the key of the custom model, and the network of the job where there is one."""
    submit = deployed.named("SubmitJob")
    if submit is None:
        return
    environment = submit.properties["Environment"]["Variables"]
    (bucket,) = [one for one in deployed.of_type("AWS::S3::Bucket") if one.name == "DataBucket"]
    rules = bucket.properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
    key = rules[0].get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    if not key or environment.get("MODEL_KEY_ARN") != key:
        yield Finding("job-wired", submit.name, "the custom model is not encrypted with the stack's key")
    network = deployed.stack.deployment.parameters.get("NetworkMode", "none") != "none"
    for name in ("JOB_SUBNET_IDS", "JOB_SECURITY_GROUP_IDS"):
        given = [one for value in as_list(environment.get(name)) for one in str(value or "").split(",") if one]
        if bool(given) != network:
            yield Finding("job-wired", submit.name, f"{name} does not fit the network that was asked for")


RULES = (
    functions_current,
    functions_traced,
    functions_logged,
    functions_hold_no_secrets,
    functions_lose_nothing,
    functions_private,
    functions_in_network,
    job_wired,
)
