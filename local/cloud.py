"""The stand-in AWS on this machine: an emulator, the Bedrock stand-in, what makes metrics of log lines, and the real
application deployed into them.

Everything lies in one folder (``.local``): what runs, its logs, its state, its temporary files. Stopping removes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import boto3

from local import processes
from local.localise import bootstrap, localise
from local.servers import (
    ACCOUNT,
    CREDENTIALS,
    EVENT_SOURCE,
    REGION,
    REPOSITORY,
    CloudError,
    server_environment,
    start_bedrock,
    start_emulator,
    start_metrics,
)

__all__ = [
    "ACCOUNT",
    "CREDENTIALS",
    "REGION",
    "REPOSITORY",
    "STACK",
    "Cloud",
    "CloudError",
    "CloudInfo",
    "default_root",
]

STACK = "rft"
PARAMETERS = {
    "BedrockEventSource": EVENT_SOURCE,
    # A laptop's runs take seconds: so should the look that makes up for a lost event.
    "JobCheckMinutes": "0.25",
    # Every function of this machine's account may grade: try your own without a new deployment.
    "GraderArns": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:*",
    # Each batch, of logs or of a comparison, is a process of its own here.
    "ConvertConcurrency": "2",
    "ComparisonConcurrency": "2",
    "InvocationLogBucket": f"{STACK}-invocation-logs",
}
_ARTIFACTS = "artifacts"
_LAMBDA_PYTHON = REPOSITORY / ".tools" / "lambda-runtime" / "bin" / "python"
_BUILD_MINUTES = 5
_DEPLOYMENT_LOOK_SECONDS = "0.2"  # SAM's own 5 are more than this deployment takes
# What a stand-in keeps in its folder. Others may live there too: a demo has its own stand-in in a folder below.
_OWN = ("logs", "tmp", "state", "build", "build.toml", "deploy", "cloud.json", "servers.json")


@dataclass(frozen=True, slots=True)
class CloudInfo:
    endpoint: str
    bedrock_endpoint: str
    region: str
    stack: str
    api_url: str
    bucket: str
    log_bucket: str
    topic_arn: str
    state_machine_arn: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def default_root() -> Path:
    return Path(os.environ.get("RFT_LOCAL_DIR") or REPOSITORY / ".local").resolve()


def _quiet(_: str) -> None:
    pass


class Cloud:
    """A running stand-in. ``info`` holds its addresses, and what its first stack is called by."""

    def __init__(
        self, root: Path, info: CloudInfo, servers: dict[str, int], seed: int, record_calls: Path | None = None
    ) -> None:
        self.root = root
        self.info = info
        self._servers = servers
        self._seed = seed
        self.record_calls = record_calls

    @classmethod
    def start(
        cls,
        root: Path,
        *,
        on_progress: Callable[[str], None] = _quiet,
        seed: int = 0,
        parameters: Mapping[str, str] | None = None,
        record_calls: Path | None = None,
    ) -> Self:
        """Start the servers, build and deploy the application. If that fails only the logs are left.

        ``record_calls`` is a folder that gets a line for every call to AWS that a function or a job's role makes, in
        ``<function>.jsonl`` and ``bedrock-role.jsonl``, and for each stack what it is made of, in ``<stack>.json``.
        """
        root = root.resolve()
        record_calls = record_calls.resolve() if record_calls else None
        if cls.attach(root) is not None:
            raise CloudError(f"a stand-in AWS runs from {root} already")
        cls.clear(root)  # what one left that was killed: its state fits no other
        for name in ("logs", "tmp", "state"):
            (root / name).mkdir(parents=True, exist_ok=True)
        if record_calls:
            record_calls.mkdir(parents=True, exist_ok=True)
        endpoint = f"http://127.0.0.1:{processes.free_port()}"
        bedrock_endpoint = f"http://127.0.0.1:{processes.free_port()}"
        servers: dict[str, int] = {}
        try:
            on_progress("starting the stand-in AWS")
            with ThreadPoolExecutor(max_workers=1) as beside:
                building = beside.submit(_sam_build, root)  # it needs none of the servers
                servers["emulator"] = start_emulator(root, endpoint, bedrock_endpoint, record_calls)
                _note_servers(root, servers, seed, record_calls)
                servers["bedrock"] = start_bedrock(root, endpoint, bedrock_endpoint, seed, record_calls)
                servers["metrics"] = start_metrics(root, endpoint)
                _note_servers(root, servers, seed, record_calls)
                # Before the stack, which is told of it: on AWS too the log bucket is there first and belongs to others.
                _s3(endpoint).create_bucket(Bucket=PARAMETERS["InvocationLogBucket"])
                on_progress("building the application (sam build)")
                build = building.result()
            on_progress("deploying the application (sam deploy)")
            _s3(endpoint).create_bucket(Bucket=_ARTIFACTS)
            outputs = _sam_deploy(root, build, endpoint, STACK, PARAMETERS | dict(parameters or {}))
        except processes.ServerFailed as failed:
            processes.stop(servers.values())
            raise CloudError(str(failed)) from None
        except BaseException:
            processes.stop(servers.values())
            raise
        info = _info(endpoint, bedrock_endpoint, STACK, outputs)
        _write(root / "cloud.json", info.to_json())
        cloud = cls(root, info, servers, seed, record_calls)
        cloud._record_stack(STACK)
        return cloud

    @classmethod
    def attach(cls, root: Path, *, revive: bool = False) -> Self | None:
        """The stand-in that runs from ``root``, if one does.

        ``revive`` starts again what died: the Bedrock stand-in, on its state, and what makes the metrics. The emulator
        keeps its state in memory.
        """
        try:
            info = CloudInfo(**json.loads((root / "cloud.json").read_text()))
            running = json.loads((root / "servers.json").read_text())
        except (OSError, ValueError, TypeError):
            return None
        recorded = running.get("record_calls")
        cloud = cls(root, info, running["servers"], running["seed"], Path(recorded) if recorded else None)
        dead = {name for name, pid in cloud._servers.items() if not processes.is_alive(pid)}
        if not dead <= {"bedrock", "metrics"} or ("bedrock" in dead and not revive):
            return None
        if revive and "bedrock" in dead:
            cloud.restart_bedrock()
        if revive and "metrics" in dead:
            cloud._restart_metrics()
        return cloud

    @classmethod
    def clear(cls, root: Path) -> bool:
        """Stop and remove whatever is at ``root``, also half of one. False if there was nothing."""
        if not any((root / name).exists() for name in _OWN):
            return False
        try:
            servers = json.loads((root / "servers.json").read_text())["servers"]
        except (OSError, ValueError):
            servers = {}
        processes.stop(servers.values())
        _remove(root)
        return True

    def stop(self, *, remove: bool = True) -> None:
        processes.stop(self._servers.values())
        for name in ("cloud.json", "servers.json"):
            (self.root / name).unlink(missing_ok=True)
        if remove:
            _remove(self.root)

    def restart_bedrock(self, *, seed: int | None = None) -> None:
        """Stop the Bedrock stand-in at once, as a crash would, and start it again on its state."""
        processes.kill([self._servers["bedrock"]])
        self._seed = self._seed if seed is None else seed
        self._servers["bedrock"] = start_bedrock(
            self.root, self.info.endpoint, self.info.bedrock_endpoint, self._seed, self.record_calls
        )
        _note_servers(self.root, self._servers, self._seed, self.record_calls)

    def _restart_metrics(self) -> None:
        self._servers["metrics"] = start_metrics(self.root, self.info.endpoint)
        _note_servers(self.root, self._servers, self._seed, self.record_calls)

    def deploy(self, stack: str, parameters: Mapping[str, str]) -> CloudInfo:
        """Deploy the built application once more, under another name; its addresses. Raises ``CloudError``.

        All that is on the account's bus reaches every stack: Bedrock's events, and a request for a run.
        """
        given = PARAMETERS | dict(parameters)
        outputs = _sam_deploy(self.root, self.root / "build", self.info.endpoint, stack, given)
        self._record_stack(stack)
        return _info(self.info.endpoint, self.info.bedrock_endpoint, stack, outputs)

    def _record_stack(self, stack: str) -> None:
        if self.record_calls:
            _write(self.record_calls / f"{stack}.json", stack_record(self.client("cloudformation"), stack))

    @property
    def server_pids(self) -> list[int]:
        """The leaders of the sessions that all of the stand-in's processes belong to."""
        return list(self._servers.values())

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root."""
        url = self.info.bedrock_endpoint if service.startswith("bedrock") else self.info.endpoint
        make: Any = boto3.client  # its overloads know literal names only
        return make(service, endpoint_url=url, region_name=REGION, **CREDENTIALS)

    def deploy_grader(self, app_py: Path, *, name: str | None = None) -> str:
        """The ARN of a published version of a grader that lies in ``app_py`` (``handler``), with the library.

        ``name`` is the function's; without one it is made of the code.
        """
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            scratch = self.root / "tmp" / "grader"
            scratch.mkdir(exist_ok=True)
            bootstrap(scratch, _LAMBDA_PYTHON)
            package.write(scratch / "bootstrap", "bootstrap")
            package.write(app_py, "app.py")
        name = name or f"grader-{hashlib.sha256(app_py.read_bytes()).hexdigest()[:12]}"
        functions = self.client("lambda")
        try:
            return str(functions.get_function(FunctionName=name, Qualifier="1")["Configuration"]["FunctionArn"])
        except functions.exceptions.ResourceNotFoundException:
            pass
        answer = functions.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Handler="app.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{self._grader_role()}",
            Code={"ZipFile": archive.getvalue()},
            Timeout=300,
            Environment={
                "Variables": {
                    "PYTHONPATH": ":".join(
                        str(path / "python") for path in sorted((self.root / "build").glob("*Layer"))
                    ),
                    "POWERTOOLS_SERVICE_NAME": app_py.resolve().parent.name,
                }
            },
            Publish=True,
        )
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:{answer['Version']}"

    def _grader_role(self) -> str:
        answer = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId="FormatValidationGraderRole"
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])


def _note_servers(root: Path, servers: dict[str, int], seed: int, record_calls: Path | None) -> None:
    recorded = str(record_calls) if record_calls else None
    _write(root / "servers.json", {"servers": servers, "seed": seed, "record_calls": recorded})


def _sam_build(root: Path) -> Path:
    """Unchanged parts come from a cache beside SAM's own; two builds at a time would spoil it."""
    build = root / "build"
    cache = REPOSITORY / ".aws-sam" / "local-cache"
    cache.mkdir(parents=True, exist_ok=True)
    uv_cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    environment = server_environment(root) | {"LAYER_PLATFORM": "native", "UV_CACHE_DIR": uv_cache}
    command = ["build", "--build-dir", str(build), "--cached", "--cache-dir", str(cache), "--parallel"]
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sam(root, command, environment, "sam-build.log")
    return build


def _sam_deploy(root: Path, build: Path, endpoint: str, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
    # Beside the build: what is in neither of them is found by paths that lead out of there.
    out = root / ("deploy" if stack == STACK else f"deploy-{stack}")
    template = localise(build, out, python=_LAMBDA_PYTHON, parameters=parameters)
    command = ["deploy", "--template-file", str(template), "--stack-name", stack, "--s3-bucket", _ARTIFACTS]
    command += ["--s3-prefix", stack, "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    command += ["--region", REGION, "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]
    command += [f"{name}={value}" for name, value in parameters.items()]
    log_name = "sam-deploy.log" if stack == STACK else f"sam-deploy-{stack}.log"
    _sam(root, command, server_environment(root) | {"AWS_ENDPOINT_URL": endpoint}, log_name)
    stacks = boto3.client("cloudformation", endpoint_url=endpoint, region_name=REGION, **CREDENTIALS)
    outputs = stacks.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _info(endpoint: str, bedrock_endpoint: str, stack: str, outputs: Mapping[str, str]) -> CloudInfo:
    return CloudInfo(
        endpoint=endpoint,
        bedrock_endpoint=bedrock_endpoint,
        region=REGION,
        stack=stack,
        api_url=f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/v1",
        bucket=outputs["DataBucketName"],
        log_bucket=PARAMETERS["InvocationLogBucket"],
        topic_arn=outputs["TopicArn"],
        state_machine_arn=outputs["StateMachineArn"],
    )


def stack_record(stacks: Any, name: str) -> dict[str, Any]:
    """What a stack is made of: the values of its parameters, and its resources and nested stacks by logical id."""
    stack = stacks.describe_stacks(StackName=name)["Stacks"][0]
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    nested = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources
        if resource["ResourceType"] == "AWS::CloudFormation::Stack"
    }
    return {
        "stack": stack["StackName"],
        "account": ACCOUNT,
        "region": REGION,
        "parameters": {given["ParameterKey"]: given["ParameterValue"] for given in stack.get("Parameters", [])},
        "resources": {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in resources},
        "nested": {logical: stack_record(stacks, physical) for logical, physical in nested.items()},
    }


def _s3(endpoint: str) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, **CREDENTIALS)


def _sam(root: Path, arguments: list[str], environment: Mapping[str, str], log_name: str) -> None:
    log = root / "logs" / log_name
    sam = Path(sys.executable).parent / "sam"
    with log.open("wb") as output:
        done = subprocess.run(
            [str(sam), *arguments],
            env={**environment, "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": _DEPLOYMENT_LOOK_SECONDS},
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=_BUILD_MINUTES * 60,
            check=False,
        )
    if done.returncode:
        last = " ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
        raise CloudError(f"`sam {arguments[0]}` failed: {last}", log)


def _remove(root: Path) -> None:
    for path in [*(root / name for name in _OWN), *root.glob("deploy-*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody else's things are in it
        root.rmdir()


def _write(path: Path, document: dict[str, Any]) -> None:
    """Whole or not at all, and for its owner only: the file leads to everything on this stand-in."""
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(document, indent=2))
    scratch.chmod(0o600)
    scratch.replace(path)
