"""The template's promises, held against what CloudFormation would get."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from rft.aws.objects import INTERMEDIATE
from rft.grading.catalog import OPENAI, READY, ReadyGrader
from rft.run.identity import grader_key
from rft.run.request_logs import OWN_FOLDERS
from rft.steps.stack_graders import OWN_GRADER
from tests.template.reading import STAR_ALLOWED, STAR_UNDER_TAGS, as_list, document, granted, of_type, statements

EVENTS = Path(__file__).resolve().parents[2] / "events"


def test_each_function_has_one_explicit_role_of_its_own(resources: dict[str, Any]) -> None:
    roles = [json.dumps(p["Role"]) for p in of_type(resources, "AWS::Lambda::Function").values()]
    assert len(roles) == len(set(roles)) >= 10
    of_functions = {json.loads(role)["Fn::GetAtt"][0] for role in roles} | {"OwnGradersRole"}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert role.get("ManagedPolicyArns", []) == ([{"Ref": "FunctionRuntime"}] if name in of_functions else []), name


def test_every_role_has_the_stacks_path_and_may_be_bounded(resources: dict[str, Any]) -> None:
    """Key policies and the policies of who deploys tell the stack's roles by their path."""
    bound = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert role["Path"] == {"Fn::Sub": "/${AWS::StackName}/"}, name
        assert role["PermissionsBoundary"] == bound, name
    assert resources["FunctionRuntime"]["Properties"]["Path"] == {"Fn::Sub": "/${AWS::StackName}/"}


def test_what_is_lambdas_own_business_is_denied_to_the_code(resources: dict[str, Any]) -> None:
    common = document(resources["FunctionRuntime"]["Properties"]["PolicyDocument"])
    allowed = {action for s in common if s["Effect"] == "Allow" for action in as_list(s["Action"])}
    (denied,) = [s for s in common if s["Effect"] == "Deny"]
    assert set(denied["Action"]) == {action for action in allowed if action.startswith("ec2:")}
    assert allowed - set(denied["Action"]) == {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    functions = denied["Condition"]["ArnLike"]["lambda:SourceFunctionArn"]["Fn::Sub"]
    assert functions.endswith(":function:${AWS::StackName}-*")
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["FunctionName"]["Fn::Sub"].startswith("${AWS::StackName}-"), name


def test_star_resources_are_on_the_closed_list_only(resources: dict[str, Any]) -> None:
    found = {name: list(statements(role)) for name, role in of_type(resources, "AWS::IAM::Role").items()}
    found["FunctionRuntime"] = document(resources["FunctionRuntime"]["Properties"]["PolicyDocument"])
    for name, statement in ((name, s) for name, of_role in found.items() for s in of_role):
        actions = set(as_list(statement["Action"]))
        assert not [a for a in actions if "*" in a], name
        if statement["Effect"] == "Deny" or "*" not in as_list(statement["Resource"]):
            continue
        if actions <= STAR_UNDER_TAGS:
            assert {"ec2:Subnet", "ec2:ResourceTag/BedrockModelCustomizationJobArn"} == set(
                statement["Condition"]["ArnEquals"]
            )
            assert statement["Condition"]["StringEquals"] == {"ec2:ResourceTag/BedrockManaged": "true"}
        else:
            assert actions <= STAR_ALLOWED, name


def test_no_resource_has_a_wildcard_in_service_or_type(resources: dict[str, Any]) -> None:
    for role in of_type(resources, "AWS::IAM::Role").values():
        for statement in statements(role):
            for resource in as_list(statement["Resource"]):
                text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else resource
                arn = re.match(r"arn:([^:]*:){5}[^:/]*", text) if isinstance(text, str) else None
                assert arn is None or "*" not in arn[0], text


def test_only_the_waiting_function_may_answer_task_tokens(resources: dict[str, Any]) -> None:
    holders = {
        name
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        if any(a.startswith("states:SendTask") for s in statements(role) for a in as_list(s["Action"]))
    }
    assert holders == {"AwaitJobRole"}


def test_metrics_are_read_by_a_function_that_may_nothing_else(resources: dict[str, Any]) -> None:
    roles = of_type(resources, "AWS::IAM::Role")
    readers = {name for name, role in roles.items() if "cloudwatch:" in json.dumps(role)}
    assert readers == {"ReadCurveRole"}
    assert [as_list(s["Action"]) for s in statements(roles["ReadCurveRole"])] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
    ]
    callers = {
        name
        for name, role in resources.items()
        if role["Type"] == "AWS::IAM::Role"
        and json.dumps({"Fn::GetAtt": ["ReadCurve", "Arn"]}) in granted(role, "lambda:InvokeFunction")
    }
    assert callers == {"ApiFunctionRole", "AwaitJobRole", "PublishReportRole"}


def test_the_wait_may_follow_a_training_stop_its_job_and_tell_that_it_is_stuck(resources: dict[str, Any]) -> None:
    role = resources["AwaitJobRole"]
    assert granted(role, "s3:GetObject") == {json.dumps({"Fn::Sub": "${DataBucket.Arn}/runs/*/output/*"})}
    (listing,) = [s for s in statements(role["Properties"]) if "s3:ListBucket" in as_list(s["Action"])]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["runs/*/output/*"]}}
    assert granted(role, "sns:Publish") == {json.dumps({"Ref": "Topic"})}
    job = "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:model-customization-job/*"
    assert granted(role, "bedrock:StopModelCustomizationJob") == {json.dumps({"Fn::Sub": job})}


def test_every_function_knows_the_stack_that_its_metrics_are_of(resources: dict[str, Any]) -> None:
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["Environment"]["Variables"]["STACK_NAME"] == {"Ref": "AWS::StackName"}, name


def test_the_job_role_can_only_be_passed_to_bedrock_and_assumed_for_our_jobs(resources: dict[str, Any]) -> None:
    passes = [
        statement
        for role in of_type(resources, "AWS::IAM::Role").values()
        for statement in statements(role)
        if "iam:PassRole" in as_list(statement["Action"])
    ]
    assert [s["Resource"] for s in passes] == [{"Fn::GetAtt": ["BedrockRole", "Arn"]}]
    assert passes[0]["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    (trust,) = resources["BedrockRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert "model-customization-job/*" in json.dumps(trust["Condition"]["ArnEquals"])


def test_each_function_logs_to_its_own_group_which_forgets(resources: dict[str, Any]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Log"}}
        assert groups[f"{name}Log"]["LogGroupName"]["Fn::Sub"].endswith(function["FunctionName"]["Fn::Sub"])


def test_every_route_needs_a_signature(resources: dict[str, Any]) -> None:
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    methods = [(path, m, spec) for path, item in paths.items() for m, spec in item.items()]
    assert {(path, m) for path, m, _ in methods} == {
        ("/runs", "post"),
        ("/runs", "get"),
        ("/runs/{run_id}", "get"),
        ("/runs/{run_id}/events", "get"),
        ("/runs/{run_id}/metrics", "get"),
        ("/runs/{run_id}/stop", "post"),
        ("/runs/{run_id}/report", "get"),
        ("/runs/{run_id}/approve", "post"),
        ("/models", "get"),
        ("/models/{model}", "get"),
        ("/models/{model}", "delete"),
        ("/models/{model}/compare", "post"),
        ("/datasets/check", "post"),
        ("/estimates", "post"),
        ("/graders", "get"),
        ("/graders/{name}/test", "post"),
    }
    for _, _, spec in methods:
        assert spec["security"] == [{"AWS_IAM": []}]
        # The function runs in its own role, not with the rights of whoever calls.
        assert spec["x-amazon-apigateway-integration"].get("credentials") is None


def test_the_data_stays_ours_and_stays(resources: dict[str, Any]) -> None:
    bucket = resources["DataBucket"]
    for name, when_deleted in (("DataBucket", "RetainExceptOnCreate"), ("RunTable", "Retain")):
        assert (resources[name]["DeletionPolicy"], resources[name]["UpdateReplacePolicy"]) == (when_deleted, "Retain")
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["Properties"]["NotificationConfiguration"]["EventBridgeConfiguration"]["EventBridgeEnabled"] is True


def test_the_mail_subscription_exists_only_where_an_address_was_given(resources: dict[str, Any]) -> None:
    assert resources["EmailSubscription"]["Condition"] == "HasEmail"


def test_no_event_is_lost_without_a_trace(resources: dict[str, Any]) -> None:
    rules = of_type(resources, "AWS::Events::Rule")
    assert len(rules) == 4
    for rule in rules.values():
        assert all("DeadLetterConfig" in target and "RetryPolicy" in target for target in rule["Targets"])
    for name in ("StartRun", "AwaitJob", "CloseRun"):
        assert "DeadLetterConfig" in resources[name]["Properties"]


def graders_of(source: dict[str, Any]) -> dict[str, ReadyGrader]:
    """The graders of the catalogue by their resource's name."""
    by_folder = {f"functions/graders/{ready.folder}/": ready for ready in READY.values()}
    return {
        name: by_folder[resource["Properties"]["CodeUri"]]
        for name, resource in source["Resources"].items()
        if "graders/" in str(resource["Properties"].get("CodeUri"))
    }


def test_training_gets_published_graders(source: dict[str, Any]) -> None:
    graders = graders_of(source)
    assert {ready.name for ready in graders.values()} == set(READY)
    for name, ready in graders.items():
        properties = source["Resources"][name]["Properties"]
        assert properties["AutoPublishAlias"] == "live"
        assert properties["AutoPublishAliasAllProperties"] is True
        assert "Events" not in properties
        assert properties["FunctionName"]["Fn::Sub"] == f"${{AWS::StackName}}-grader-{ready.name}"
        assert properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == ready.name


def test_a_grader_that_computes_may_write_its_log_and_nothing_else(
    source: dict[str, Any], resources: dict[str, Any]
) -> None:
    for name, ready in graders_of(source).items():
        actions = [as_list(s["Action"]) for s in statements(resources[f"{name}Role"]["Properties"])]
        own = [["logs:CreateLogStream", "logs:PutLogEvents"]]
        if ready.kind == "declared":
            own += [["kms:Decrypt"], ["s3:GetObject"]]
        if ready.kind != "rule":
            own += [["bedrock:InvokeModel"]] * 3  # by a profile (the models behind it, and itself), or by its id
        assert actions == own, name


def test_a_judge_may_ask_one_model_by_its_id_or_by_a_profile(source: dict[str, Any], resources: dict[str, Any]) -> None:
    profile = {"Ref": "JudgeInferenceProfileArn"}
    for name, ready in graders_of(source).items():
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        if ready.kind == "rule":
            assert variables.keys() == {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "STACK_NAME"}
            continue
        asked = {"Fn::If": ["HasJudgeProfile", profile, {"Ref": "JudgeModelId"}]}
        assert variables["JUDGE_MODEL_ID"] == asked
        condition, by_profile, by_id = resources[f"{name}Role"]["Properties"]["Policies"][-1]["Fn::If"]
        assert condition == "HasJudgeProfile"
        (model,) = by_id["PolicyDocument"]["Statement"]
        assert model["Resource"]["Fn::Sub"].endswith("::foundation-model/${JudgeModelId}")
        models, itself = by_profile["PolicyDocument"]["Statement"]
        assert models["Resource"] == {"Ref": "JudgeProfileModelArns"}
        assert models["Condition"] == {"StringLike": {"bedrock:InferenceProfileArn": profile}}
        assert itself["Resource"] == profile


def test_openais_grader_reads_the_json_of_runs_only(resources: dict[str, Any]) -> None:
    assert granted(resources["OpenaiGraderRole"], "s3:GetObject") == {
        json.dumps({"Fn::Sub": f"${{DataBucket.Arn}}/{grader_key('*')}"})
    }


def test_every_ready_grader_may_be_asked_for_and_called_by_bedrock_and_the_gate(
    source: dict[str, Any], resources: dict[str, Any]
) -> None:
    graders = graders_of(source)
    for function in ("StartRun", "ApiFunction"):
        text, values = source["Resources"][function]["Properties"]["Environment"]["Variables"]["GRADERS"]["Fn::Sub"]
        pairs = dict(pair.split("=") for pair in text.split(","))
        assert {ready.name for ready in graders.values()} == set(pairs)
        for name, ready in graders.items():
            assert values[pairs[ready.name].strip("${}")] == {"Ref": f"{name}.Version"}
    for role in ("BedrockRole", "CheckGraderRole", "CompareModelsRole"):
        invoked = granted(resources[role], "lambda:InvokeFunction")
        assert {json.dumps({"Fn::Sub": f"${{{name}.Arn}}:*"}) for name in graders} <= invoked
        assert not [arn for arn in invoked if "GetAtt" in arn], "a grader without its version may change under a job"
    choices = source["Parameters"]["DefaultGrader"]["AllowedValues"]
    assert set(choices) == set(READY) - {OPENAI}


def test_a_grader_that_is_added_needs_its_function_and_nothing_else(resources: dict[str, Any]) -> None:
    own = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-own-grader-*"
    for role in ("BedrockRole", "CheckGraderRole", "CompareModelsRole"):
        assert json.dumps({"Fn::Sub": f"{own}:*"}) in granted(resources[role], "lambda:InvokeFunction")
    for role in ("StartRunRole", "ApiFunctionRole", "CheckGraderRole"):
        assert json.dumps({"Fn::Sub": own}) in granted(resources[role], "lambda:GetFunctionConfiguration")
    assert own.endswith(f"{OWN_GRADER}*")
    assert [as_list(s["Action"]) for s in statements(resources["OwnGradersRole"]["Properties"])] == [
        ["logs:CreateLogStream", "logs:PutLogEvents"]
    ]


def test_the_api_has_graders_and_models_asked_by_the_functions_that_may(resources: dict[str, Any]) -> None:
    role = resources["ApiFunctionRole"]
    functions = ("AwaitJob", "CheckGrader", "CompareModels", "DeleteModel", "ReadCurve")
    assert granted(role, "lambda:InvokeFunction") == {json.dumps({"Fn::GetAtt": [name, "Arn"]}) for name in functions}
    assert granted(role, "bedrock:InvokeModel") == set()


def test_the_gate_may_ask_the_base_model_and_write_what_it_saw(resources: dict[str, Any]) -> None:
    role = resources["CheckGraderRole"]
    sub = "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:inference-profile/${BaseInferenceProfile}"
    profile, models = {"Fn::Sub": sub}, {"Ref": "BaseProfileModelArns"}
    assert granted(role, "bedrock:InvokeModel") == {json.dumps(models), json.dumps(profile)}
    (choice,) = [
        policy["Fn::If"]
        for policy in role["Properties"]["Policies"]
        if policy.get("Fn::If", [""])[0] == "HasBaseProfile"
    ]
    by_profile, by_id = (branch["PolicyDocument"]["Statement"] for branch in choice[1:])
    assert [(s["Resource"], s.get("Condition")) for s in by_profile] == [
        (models, {"StringLike": {"bedrock:InferenceProfileArn": profile}}),
        (profile, None),
    ]
    assert [s["Resource"] for s in by_id] == [models]
    # The dataset of a test may lie where that of a run may.
    assert granted(role, "s3:GetObject") == granted(resources["PrepareDatasetRole"], "s3:GetObject")
    assert granted(role, "s3:PutObject") == {
        json.dumps({"Fn::Sub": f"${{DataBucket.Arn}}/{key}"}) for key in ("runs/*/gate.json", grader_key("test-*"))
    }


def pattern_of(resources: dict[str, Any], rule: str) -> EventPattern:
    pattern = json.dumps(resources[rule]["Properties"]["EventPattern"])
    for reference, value in (
        ('{"Ref": "DataBucket"}', '"rft-data-123456789012"'),
        ('{"Ref": "BedrockEventSource"}', '"aws.bedrock"'),
    ):
        pattern = pattern.replace(reference, value)
    machine = re.sub(
        r'\{"Fn::Sub": "arn:[^"]*"\}', '"arn:aws:states:us-east-1:123456789012:stateMachine:rft-run"', pattern
    )
    return EventPattern.load(machine)


@pytest.mark.parametrize(
    ("rule", "events"),
    [
        ("StartRunRequested", ["run_requested", "run_requested_invalid"]),
        ("AwaitJobJobEvent", ["job_in_progress", "job_completed", "job_failed", "job_stopped"]),
        ("CloseRunExecutionEnded", ["execution_aborted"]),
    ],
)
def test_each_rule_takes_its_own_events_and_no_others(resources: dict[str, Any], rule: str, events: list[str]) -> None:
    pattern = pattern_of(resources, rule)
    for path in EVENTS.glob("*.json"):
        event = json.loads(path.read_text())
        if isinstance(event, dict) and "detail-type" in event:
            given: Any = event
            assert pattern.matches_event(given) == (path.stem in events), path.stem


def test_the_upload_rule_names_the_inbox_only(resources: dict[str, Any]) -> None:
    pattern = resources["StartRunUpload"]["Properties"]["EventPattern"]
    assert pattern["detail"] == {
        "bucket": {"name": [{"Ref": "DataBucket"}]},
        "object": {"key": [{"wildcard": "inbox/*.jsonl"}, {"wildcard": "inbox/*/run.json"}]},
    }


LOG_BUCKET = json.dumps({"Fn::Sub": "arn:${AWS::Partition}:s3:::${InvocationLogBucket}"})
LOG_OBJECTS = json.dumps({"Fn::Sub": "arn:${AWS::Partition}:s3:::${InvocationLogBucket}/*"})


def test_the_log_bucket_is_listed_and_read_by_whom_it_concerns_and_written_by_nobody(resources: dict[str, Any]) -> None:
    roles = {name: resources[name] for name in of_type(resources, "AWS::IAM::Role")}
    assert {n for n, r in roles.items() if LOG_BUCKET in granted(r, "s3:ListBucket")} == {
        "ListLogsRole",
        "ConvertLogsRole",  # else an object that isn't there looks like one that is forbidden
        "BedrockRole",
    }
    assert {n for n, r in roles.items() if LOG_OBJECTS in granted(r, "s3:GetObject")} == {
        "ConvertLogsRole",
        "BedrockRole",
    }
    assert not any(LOG_OBJECTS in granted(role, "s3:PutObject") for role in roles.values())


def test_the_rights_to_logs_and_their_key_exist_only_where_a_bucket_and_a_key_were_named(
    resources: dict[str, Any],
) -> None:
    for role in of_type(resources, "AWS::IAM::Role").values():
        for policy in role.get("Policies", []):
            condition, given = (policy["Fn::If"][0], policy["Fn::If"][1]) if "Fn::If" in policy else (None, policy)
            text = json.dumps(given)
            assert ("InvocationLogBucket" in text) == (condition == "HasLogBucket")
            assert ("InvocationLogKeyArn" in text) == (condition == "HasLogKey")
            if condition == "HasLogBucket":
                assert all(
                    "aws:ResourceAccount" in json.dumps(s["Condition"]) for s in given["PolicyDocument"]["Statement"]
                )
            if condition == "HasLogKey":
                assert "kms:ViaService" in text


def test_bedrock_reads_of_our_bucket_what_it_trains_on_and_where_users_put_logs(resources: dict[str, Any]) -> None:
    own = {g for g in granted(resources["BedrockRole"], "s3:GetObject") if "DataBucket" in g}
    assert own == {
        json.dumps({"Fn::Sub": f"${{DataBucket.Arn}}/{folder}/*"})
        for folder in ("runs/*/dataset", "runs/*/output", "inbox", "datasets")
    }
    assert {f"{folder}/" for folder in ("inbox", "datasets")} == set(OWN_FOLDERS)
    for statement in statements(resources["BedrockRole"]["Properties"]):
        if any(action.startswith("s3:") for action in as_list(statement["Action"])):
            assert statement["Condition"]["StringEquals"] == {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_listing_never_looks_into_the_pipelines_own_folder(resources: dict[str, Any]) -> None:
    (statement,) = [
        s
        for s in statements(resources["ListLogsRole"]["Properties"])
        if as_list(s["Resource"]) == [{"Fn::GetAtt": ["DataBucket", "Arn"]}]
    ]
    assert statement["Condition"] == {"StringLike": {"s3:prefix": ["inbox/*", "datasets/*"]}}


def test_both_doors_know_the_log_bucket(resources: dict[str, Any]) -> None:
    knowing = {
        name
        for name, function in of_type(resources, "AWS::Lambda::Function").items()
        if function["Environment"]["Variables"].get("LOG_BUCKET") == {"Ref": "InvocationLogBucket"}
    }
    assert knowing == {"StartRun", "ApiFunction"}


def test_the_maps_own_executions_may_use_the_machines_role(resources: dict[str, Any]) -> None:
    (trust,) = resources["StateMachineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    machine = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-run"
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"] == [{"Fn::Sub": machine}, {"Fn::Sub": f"{machine}/*"}]


def test_what_the_conversion_leaves_on_its_way_is_removed_by_its_tag(resources: dict[str, Any]) -> None:
    rules = resources["DataBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    key, _, value = INTERMEDIATE.partition("=")
    (rule,) = [rule for rule in rules if rule.get("TagFilters") == [{"Key": key, "Value": value}]]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 7)
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}  # the bucket keeps versions
    assert "PutObjectTagging" in json.dumps(resources["ConvertLogsRole"])


# Of what is gone no tag can be asked for, so what only looks must do without; and so must the way to a tag.
LOOKING = {"bedrock:ListTagsForResource"} | {
    f"bedrock:Get{name}"
    for name in ("ModelCustomizationJob", "CustomModel", "CustomModelDeployment", "ProvisionedModelThroughput")
}


def test_a_stack_changes_nothing_of_bedrocks_that_is_not_its_own(resources: dict[str, Any]) -> None:
    seen = set()
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for statement in statements(role):
            for action in as_list(statement["Action"]):
                if not action.startswith("bedrock:") or action in LOOKING:
                    continue
                if action == "bedrock:InvokeModel" and "custom-model" not in json.dumps(statement["Resource"]):
                    continue  # of base models and judges, each by its name
                # What is made gets the tag, and is made of what has it; what is tagged may be too new to have it.
                both = re.match(r"bedrock:Create(CustomModelDeployment|ProvisionedModelThroughput)", action)
                made = re.match(r"bedrock:(Create|TagResource)", action)
                tags = ("Request", "Resource") if both else ("Request",) if made else ("Resource",)
                wanted = {"StringEquals": {f"aws:{tag}Tag/rft:stack": {"Ref": "AWS::StackName"} for tag in tags}}
                if action == "bedrock:TagResource":
                    wanted["StringEqualsIfExists"] = {"aws:ResourceTag/rft:stack": {"Ref": "AWS::StackName"}}
                assert statement["Condition"] == wanted, (name, action)
                seen.add(action.removeprefix("bedrock:"))
    assert {"CreateModelCustomizationJob", "DeleteCustomModel", "InvokeModel", "UpdateCustomModelDeployment"} <= seen


def test_what_deletes_may_look_first(resources: dict[str, Any]) -> None:
    """A deletion that hangs on a tag is refused where the thing is gone: the code looks before it deletes."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        actions = {action for s in statements(role) for action in as_list(s["Action"])}
        deletes = {a.replace(":Delete", ":Get") for a in actions if a.startswith("bedrock:Delete")}
        assert deletes <= actions, name
