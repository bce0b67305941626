"""Defects of roles, functions, the API, the state machine and the workflow on GitHub."""

from __future__ import annotations

from typing import Any

from tests.template.planting.sources import CODE, WORKFLOW, Sources, as_list


def trust_in_everybody(sources: Sources) -> None:
    sources.properties("BedrockRole")["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


def trust_in_everybodys_jobs(sources: Sources) -> None:
    sources.properties("BedrockRole")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"].pop("ArnEquals")


def everything_on_everything(sources: Sources) -> None:
    sources.grant("CloseRunRole", "*", "*")


def every_action_of_s3(sources: Sources) -> None:
    sources.grant("PublishReportRole", "s3:*", {"Fn::Sub": "${DataBucket.Arn}/*"})


def objects_of_every_bucket(sources: Sources) -> None:
    sources.statement("PrepareDatasetRole", "s3:GetObject")["Resource"] = "*"


def a_role_to_any_service(sources: Sources) -> None:
    sources.statement("SubmitJobRole", "iam:PassRole").pop("Condition")


def every_role_to_be_passed(sources: Sources) -> None:
    sources.statement("SubmitJobRole", "iam:PassRole")["Resource"] = "*"


def every_model_asked(sources: Sources) -> None:
    sources.statement("ReasoningGraderRole", "bedrock:InvokeModel")["Resource"] = "*"


def every_base_model_asked(sources: Sources) -> None:
    sources.statement("CompareModelsRole", "bedrock:InvokeModel")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/*"
    }


def an_action_that_is_misspelt(sources: Sources) -> None:
    sources.grant("NotifyRole", "sns:PublishMessage", {"Ref": "Topic"})


def an_action_on_a_resource_it_does_not_know(sources: Sources) -> None:
    sources.statement("SubmitJobRole", "bedrock:CreateModelCustomizationJob")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:model-customization-job/*"
    }


def objects_of_the_bucket_itself(sources: Sources) -> None:
    sources.grant("PublishReportRole", "s3:GetObject", {"Fn::GetAtt": ["DataBucket", "Arn"]})


def a_wildcard_in_the_kind(sources: Sources) -> None:
    sources.statement("CloseRunRole", "bedrock:GetCustomModelDeployment")["Resource"] = {
        "Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:custom-model*"
    }


def another_answers_tokens(sources: Sources) -> None:
    sources.grant("ApiFunctionRole", "states:SendTaskSuccess", "*")


def role_without_its_boundary(sources: Sources) -> None:
    sources.properties("NotifyRole").pop("PermissionsBoundary")


def role_outside_the_path(sources: Sources) -> None:
    sources.properties("NotifyRole").pop("Path")


def role_with_a_policy_of_awss(sources: Sources) -> None:
    arns = sources.properties("NotifyRole").setdefault("ManagedPolicyArns", [])
    arns.append("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")


def function_with_a_role_of_sams_making(sources: Sources) -> None:
    properties = sources.properties("Notify")
    properties.pop("Role")
    properties["Policies"] = [{"SNSPublishMessagePolicy": {"TopicName": {"Fn::GetAtt": ["Topic", "TopicName"]}}}]
    sources.resources().pop("NotifyRole")


def two_functions_of_one_role(sources: Sources) -> None:
    sources.properties("Notify")["Role"] = {"Fn::GetAtt": ["CloseRunRole", "Arn"]}


def deletes_of_any_stacks_models(sources: Sources) -> None:
    sources.statement("DeleteModelRole", "bedrock:DeleteCustomModel").pop("Condition")


def jobs_without_the_stacks_tag(sources: Sources) -> None:
    sources.statement("SubmitJobRole", "bedrock:CreateModelCustomizationJob").pop("Condition")


def anothers_deployment_given_our_tag(sources: Sources) -> None:
    sources.statement("PromoteModelRole", "bedrock:TagResource")["Condition"].pop("StringEqualsIfExists")


def anothers_model_deployed(sources: Sources) -> None:
    statement = sources.statement("DeployModelRole", "bedrock:CreateCustomModelDeployment")
    statement["Condition"]["StringEquals"].pop("aws:ResourceTag/rft:stack")


def model_deployed_without_its_key(sources: Sources) -> None:
    for policy in sources.properties("PromoteModelRole")["Policies"]:
        document = policy["PolicyDocument"]
        document["Statement"] = [s for s in document["Statement"] if "kms:CreateGrant" not in as_list(s["Action"])]


def keys_by_any_service(sources: Sources) -> None:
    sources.statement("PublishReportRole", "kms:Decrypt").pop("Condition")


def a_secret_in_the_environment(sources: Sources) -> None:
    sources.properties("Notify")["Environment"]["Variables"]["CHAT_TOKEN"] = "xoxb-17653672481-19874698323-pdFZKVeTuE8s"


def an_old_runtime(sources: Sources) -> None:
    sources.properties("Notify")["Runtime"] = "python3.8"


def a_url_for_everybody(sources: Sources) -> None:
    sources.properties("ApiFunction")["FunctionUrlConfig"] = {"AuthType": "NONE"}


def function_not_traced(sources: Sources) -> None:
    sources.templates["template.yaml"]["Globals"]["Function"]["Tracing"] = "PassThrough"


def function_without_its_log(sources: Sources) -> None:
    sources.properties("CloseRun").pop("LoggingConfig")


def events_lost_where_the_function_fails(sources: Sources) -> None:
    sources.properties("CloseRun").pop("DeadLetterQueue")


def events_lost_on_their_way(sources: Sources) -> None:
    sources.properties("CloseRun")["Events"]["ExecutionEnded"]["Properties"].pop("DeadLetterConfig")


def model_under_awss_key(sources: Sources) -> None:
    sources.properties("SubmitJob")["Environment"]["Variables"]["MODEL_KEY_ARN"] = ""


def job_outside_the_network(sources: Sources) -> None:
    sources.properties("SubmitJob")["Environment"]["Variables"]["JOB_SUBNET_IDS"] = ""


def functions_outside_the_network(sources: Sources) -> None:
    sources.templates["template.yaml"]["Globals"]["Function"].pop("VpcConfig")


def route_without_a_signature(sources: Sources) -> None:
    sources.properties("ApiFunction")["Events"]["GetModels"]["Properties"]["Auth"] = {"Authorizer": "NONE"}


def api_without_an_authorizer(sources: Sources) -> None:
    sources.properties("Api")["Auth"].pop("DefaultAuthorizer")


def api_with_its_callers_rights(sources: Sources) -> None:
    sources.properties("Api")["Auth"].pop("InvokeRole")


def api_for_every_account(sources: Sources) -> None:
    sources.properties("Api")["Auth"]["ResourcePolicy"]["CustomStatements"].append(
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    )


def api_for_every_page(sources: Sources) -> None:
    sources.properties("Api")["Cors"] = "'*'"


def api_with_a_second_stage(sources: Sources) -> None:
    sources.properties("Api").pop("OpenApiVersion")


def role_for_logs_before_there_is_an_api(sources: Sources) -> None:
    sources.resources()["ApiAccount"].pop("DependsOn")


def api_not_throttled(sources: Sources) -> None:
    for setting in sources.properties("Api")["MethodSettings"]:
        setting.pop("ThrottlingRateLimit")


def payloads_in_the_apis_log(sources: Sources) -> None:
    sources.properties("Api")["MethodSettings"][0]["DataTraceEnabled"] = True


def queries_in_the_access_log(sources: Sources) -> None:
    setting: Any = sources.properties("Api")["AccessLogSetting"]
    setting = setting["Fn::If"][1] if "Fn::If" in setting else setting
    setting["Format"] = setting["Format"].replace("$context.resourcePath", "$context.requestOverride.querystring.q")


def api_not_traced(sources: Sources) -> None:
    sources.properties("Api").pop("TracingEnabled")


def firewall_left_out(sources: Sources) -> None:
    for name in sources.of_type("AWS::WAFv2::WebACLAssociation"):
        sources.resources().pop(name)


def machine_without_a_log(sources: Sources) -> None:
    sources.properties("StateMachine").pop("Logging")


def execution_data_in_the_log(sources: Sources) -> None:
    sources.properties("StateMachine")["Logging"]["IncludeExecutionData"] = True


def machine_not_traced(sources: Sources) -> None:
    sources.properties("StateMachine").pop("Tracing")


def machine_calls_the_outside(sources: Sources) -> None:
    sources.machine["States"]["Notify"]["Resource"] = "arn:${Partition}:states:::http:invoke"


def machine_waits_for_ever(sources: Sources) -> None:
    sources.machine["States"]["SubmitJob"].pop("TimeoutSeconds")


def workflow_with_an_action_by_its_tag(sources: Sources) -> None:
    text = sources.texts[WORKFLOW]
    pinned = next(word for word in text.split() if word.startswith("actions/checkout@"))
    sources.texts[WORKFLOW] = text.replace(pinned, "actions/checkout@v7")


def workflow_for_strangers(sources: Sources) -> None:
    sources.texts[WORKFLOW] = sources.texts[WORKFLOW].replace("  pull_request:", "  pull_request_target:")


def workflow_that_may_write_everything(sources: Sources) -> None:
    sources.texts[WORKFLOW] = sources.texts[WORKFLOW].replace("permissions: {}", "permissions: write-all")


def workflow_that_leaves_its_token(sources: Sources) -> None:
    sources.texts[WORKFLOW] = sources.texts[WORKFLOW].replace("persist-credentials: false", "persist-credentials: true")


def workflow_that_runs_a_title(sources: Sources) -> None:
    sources.texts[WORKFLOW] = sources.texts[WORKFLOW].replace(
        "- run: make check", "- run: echo ${{ github.event.pull_request.title }}; make check"
    )


def code_that_runs_a_shell(sources: Sources) -> None:
    sources.texts[CODE] += "\n\ndef told(run_id: str) -> None:\n    subprocess.run(f'logger {run_id}', shell=True)\n"
    sources.texts[CODE] = sources.texts[CODE].replace("from typing", "import subprocess\nfrom typing")


def code_that_unpickles_what_it_is_sent(sources: Sources) -> None:
    sources.texts[CODE] += "\n\ndef read(event: dict[str, Any]) -> Any:\n    return pickle.loads(event['data'])\n"
    sources.texts[CODE] = sources.texts[CODE].replace("from typing", "import pickle\nfrom typing")


def log_of_every_function(sources: Sources) -> None:
    statement = sources.statement("GenericGraderRole", "logs:PutLogEvents")
    assert "logs:CreateLogStream" in as_list(statement["Action"])
    statement["Resource"] = {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*"}


DEFECTS = (
    trust_in_everybody,
    trust_in_everybodys_jobs,
    everything_on_everything,
    every_action_of_s3,
    objects_of_every_bucket,
    a_role_to_any_service,
    every_role_to_be_passed,
    every_model_asked,
    every_base_model_asked,
    an_action_that_is_misspelt,
    an_action_on_a_resource_it_does_not_know,
    objects_of_the_bucket_itself,
    a_wildcard_in_the_kind,
    another_answers_tokens,
    role_without_its_boundary,
    role_outside_the_path,
    role_with_a_policy_of_awss,
    function_with_a_role_of_sams_making,
    two_functions_of_one_role,
    deletes_of_any_stacks_models,
    jobs_without_the_stacks_tag,
    anothers_deployment_given_our_tag,
    anothers_model_deployed,
    model_deployed_without_its_key,
    keys_by_any_service,
    a_secret_in_the_environment,
    an_old_runtime,
    a_url_for_everybody,
    function_not_traced,
    function_without_its_log,
    events_lost_where_the_function_fails,
    events_lost_on_their_way,
    model_under_awss_key,
    job_outside_the_network,
    functions_outside_the_network,
    route_without_a_signature,
    api_without_an_authorizer,
    api_with_its_callers_rights,
    api_for_every_account,
    api_for_every_page,
    api_with_a_second_stage,
    role_for_logs_before_there_is_an_api,
    api_not_throttled,
    payloads_in_the_apis_log,
    queries_in_the_access_log,
    api_not_traced,
    firewall_left_out,
    machine_without_a_log,
    execution_data_in_the_log,
    machine_not_traced,
    machine_calls_the_outside,
    machine_waits_for_ever,
    workflow_with_an_action_by_its_tag,
    workflow_for_strangers,
    workflow_that_may_write_everything,
    workflow_that_leaves_its_token,
    workflow_that_runs_a_title,
    log_of_every_function,
    code_that_runs_a_shell,
    code_that_unpickles_what_it_is_sent,
)
