"""The REST API: signed, throttled, its access log without payloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.template.invariants.deployed import Deployed, Finding, Statement, as_list

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method"}
# What a line of the access log may say: who asked for what, when, and what came of it. Nothing of bodies, headers or
# query strings, and of the path only its form.
LOGGED = {
    "accountId",
    "apiId",
    "authorize.error",
    "authorize.latency",
    "authorize.status",
    "authenticate.status",
    "awsEndpointRequestId",
    "error.message",
    "error.responseType",
    "extendedRequestId",
    "httpMethod",
    "identity.accountId",
    "identity.caller",
    "identity.sourceIp",
    "identity.user",
    "identity.userAgent",
    "identity.userArn",
    "integration.latency",
    "integration.requestId",
    "integration.status",
    "integrationLatency",
    "integrationStatus",
    "integrationErrorMessage",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "stage",
    "status",
    "waf.status",
    "wafResponseCode",
    "webaclArn",
    "xrayTraceId",
}


def _methods(body: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in body.get("paths", {}).items():
        for method, spec in item.items():
            if method.lower() in METHODS:
                yield path, method, spec


def routes_signed(deployed: Deployed) -> Iterator[Finding]:
    """Every method wants a signature, and the function behind it runs in its own role."""
    for api in deployed.of_type("AWS::ApiGateway::RestApi"):
        body = api.properties.get("Body", {})
        found = list(_methods(body))
        if not found:
            yield Finding("routes-signed", api.name, "it has no routes")
        for path, method, spec in found:
            if spec.get("security") != [{"AWS_IAM": []}]:
                yield Finding("routes-signed", api.name, f"{method.upper()} {path} asks for no signature")
            if (spec.get("x-amazon-apigateway-auth") or {}).get("type", "AWS_IAM") != "AWS_IAM":
                yield Finding("routes-signed", api.name, f"{method.upper()} {path} asks for no signature")
            if spec.get("x-amazon-apigateway-integration", {}).get("credentials"):
                yield Finding("routes-signed", api.name, f"{method.upper()} {path} runs with its caller's rights")
        scheme = body.get("securityDefinitions", {}).get("AWS_IAM", {})
        if scheme.get("x-amazon-apigateway-authtype") != "awsSigv4":
            yield Finding("routes-signed", api.name, "what it calls AWS_IAM is something else")
    for method_resource in deployed.of_type("AWS::ApiGateway::Method"):
        if method_resource.properties.get("AuthorizationType") != "AWS_IAM":
            yield Finding("routes-signed", method_resource.name, "asks for no signature")


def no_other_pages(deployed: Deployed) -> Iterator[Finding]:
    """No page of another origin gets an answer."""
    for api in deployed.of_type("AWS::ApiGateway::RestApi"):
        if "access-control-allow-origin" in repr(api.properties).lower():
            yield Finding("no-other-pages", api.name, "pages of other origins may call it")


def stages_watched(deployed: Deployed) -> Iterator[Finding]:
    logs = deployed.stack.deployment.parameters.get("ApiAccessLogs", "account-role") != "off"
    for stage in deployed.of_type("AWS::ApiGateway::Stage"):
        if stage.properties.get("TracingEnabled") is not True:
            yield Finding("stages-watched", stage.name, "its calls leave no trace")
        settings = stage.properties.get("AccessLogSetting", {})
        if logs and not settings.get("DestinationArn"):
            yield Finding("stages-watched", stage.name, "nobody can tell who called it")
        named = set(re.findall(r"\$context\.([A-Za-z.]+)|(\$(?!context)\w+[\w.]*)", str(settings.get("Format", ""))))
        for in_context, other in named:
            if other or in_context not in LOGGED:
                yield Finding("stages-watched", stage.name, f"its access log says {other or in_context}")


def one_stage(deployed: Deployed) -> Iterator[Finding]:
    """A second one would have no throttles, no access log and no firewall, and stand open beside the first."""
    for api in deployed.of_type("AWS::ApiGateway::RestApi"):
        stages = [
            *(one.name for one in deployed.of_type("AWS::ApiGateway::Stage")),
            *(one.name for one in deployed.of_type("AWS::ApiGateway::Deployment") if one.properties.get("StageName")),
        ]
        if len(stages) != 1:
            yield Finding("one-stage", api.name, f"{stages} and not one stage")


def account_after_api(deployed: Deployed) -> Iterator[Finding]:
    """API Gateway refuses a role for logs to an account that has no API yet."""
    apis = {api.name for api in deployed.of_type("AWS::ApiGateway::RestApi")}
    for account in deployed.of_type("AWS::ApiGateway::Account"):
        if not apis & set(as_list(account.attributes.get("DependsOn", []))):
            yield Finding("account-after-api", account.name, "it may be made before there is an API")


def stages_throttled(deployed: Deployed) -> Iterator[Finding]:
    """All methods have a rate, and no log of API Gateway's has payloads."""
    for stage in deployed.of_type("AWS::ApiGateway::Stage"):
        settings = stage.properties.get("MethodSettings", [])
        everywhere = [s for s in settings if (s.get("ResourcePath"), s.get("HttpMethod")) == ("/*", "*")]
        if not everywhere:
            yield Finding("stages-throttled", stage.name, "no settings that hold for every method")
        for setting in settings:
            for limit in ("ThrottlingRateLimit", "ThrottlingBurstLimit"):
                if not 0 < float(setting.get(limit, 0)) <= 1000:
                    yield Finding("stages-throttled", stage.name, f"{limit} is no limit")
            if setting.get("DataTraceEnabled") not in (None, False, "false"):
                yield Finding("stages-throttled", stage.name, "whole requests and answers are logged")
            if setting.get("CachingEnabled") not in (None, False, "false"):
                yield Finding("stages-throttled", stage.name, "one caller gets another's answers")


def api_policy(deployed: Deployed) -> Iterator[Finding]:
    """The API's policy lets in this account and callers that were named, over TLS, from where it was said."""
    callers = deployed.stack.deployment.parameters.get("ApiCallerArns", "").split(",")
    ranges = [one for one in deployed.stack.deployment.parameters.get("ApiAllowedIpRanges", "").split(",") if one]
    for api in deployed.of_type("AWS::ApiGateway::RestApi"):
        document = (
            api.properties.get("Policy") or api.properties.get("Body", {}).get("x-amazon-apigateway-policy") or {}
        )
        denied = [
            one.get("Condition")
            for one in as_list(document.get("Statement", []))
            if one["Effect"] == "Deny" and one.get("Principal") == "*" and one.get("Action") == "execute-api:Invoke"
        ]
        if {"Bool": {"aws:SecureTransport": "false"}} not in denied:
            yield Finding("api-policy", api.name, "calls without TLS are not refused")
        if ranges and {"NotIpAddress": {"aws:SourceIp": ranges}} not in denied:
            yield Finding("api-policy", api.name, "calls from other addresses are not refused")
        for one in as_list(document.get("Statement", [])):
            statement = Statement(api.name, one)
            for _, who in statement.principals if statement.allows else []:
                if f":{deployed.account}:" not in who and who not in callers:
                    yield Finding("api-policy", api.name, f"{who} may call it")


def web_acl(deployed: Deployed) -> Iterator[Finding]:
    given = deployed.stack.deployment.parameters.get("WebAclArn", "")
    associated = [one.properties.get("WebACLArn") for one in deployed.of_type("AWS::WAFv2::WebACLAssociation")]
    if given and associated != [given]:
        yield Finding("web-acl", "Api", "the firewall that was asked for is not before it")


RULES = (
    routes_signed,
    no_other_pages,
    one_stage,
    account_after_api,
    stages_watched,
    stages_throttled,
    api_policy,
    web_acl,
)
