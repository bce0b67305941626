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

REPOSITORY = Path(__file__).resolve().parent.parent
ACCOUNT, REGION, STACK = "000000000000", "us-east-1", "rft"
CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
EVENT_SOURCE = "local.bedrock"
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
_BUILD_MINUTES = 5
_DEPLOYMENT_LOOK_SECONDS = "0.2"  # SAM's own 5 are more than this deployment takes
# What a stand-in keeps in its folder. Others may live there too: a demo has its own stand-in in a folder below.
_OWN = ("logs", "tmp", "state", "build", "build.toml", "deploy", "cloud.json", "servers.json")


class CloudError(Exception):
    """The stand-in AWS could not be started; ``log_path`` is where to read on."""

    def __init__(self, message: str, log_path: Path | None = None) -> None:
        self.log_path = log_path
        super().__init__(f"{message} (log: {log_path})" if log_path else message)


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
    """A running stand-in. ``info`` holds its addresses."""

    def __init__(self, root: Path, info: CloudInfo, servers: dict[str, int], seed: int) -> None:
        self.root = root
        self.info = info
        self._servers = servers
        self._seed = seed

    @classmethod
    def start(
        cls,
        root: Path,
        *,
        on_progress: Callable[[str], None] = _quiet,
        seed: int = 0,
        parameters: Mapping[str, str] | None = None,
    ) -> Self:
        """Start the servers, build and deploy the application. If that fails only the logs are left."""
        root = root.resolve()
        if cls.attach(root) is not None:
            raise CloudError(f"a stand-in AWS runs from {root} already")
        cls.clear(root)  # what one left that was killed: its state fits no other
        for name in ("logs", "tmp", "state"):
            (root / name).mkdir(parents=True, exist_ok=True)
        endpoint = f"http://127.0.0.1:{processes.free_port()}"
        bedrock_endpoint = f"http://127.0.0.1:{processes.free_port()}"
        servers: dict[str, int] = {}
        try:
            on_progress("starting the stand-in AWS")
            with ThreadPoolExecutor(max_workers=1) as beside:
                building = beside.submit(_sam_build, root)  # it needs none of the servers
                servers["emulator"] = _start_emulator(root, endpoint, bedrock_endpoint)
                _write(root / "servers.json", {"servers": servers, "seed": seed})
                servers["bedrock"] = _start_bedrock(root, endpoint, bedrock_endpoint, seed)
                servers["metrics"] = _start_metrics(root, endpoint)
                _write(root / "servers.json", {"servers": servers, "seed": seed})
                # Before the stack, which is told of it: on AWS too the log bucket is there first and belongs to others.
                _s3(endpoint).create_bucket(Bucket=PARAMETERS["InvocationLogBucket"])
                on_progress("building the application (sam build)")
                build = building.result()
            on_progress("deploying the application (sam deploy)")
            outputs = _sam_deploy(root, build, endpoint, PARAMETERS | dict(parameters or {}))
        except processes.ServerFailed as failed:
            processes.stop(servers.values())
            raise CloudError(str(failed)) from None
        except BaseException:
            processes.stop(servers.values())
            raise
        info = CloudInfo(
            endpoint=endpoint,
            bedrock_endpoint=bedrock_endpoint,
            region=REGION,
            stack=STACK,
            api_url=f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/v1",
            bucket=outputs["DataBucketName"],
            log_bucket=PARAMETERS["InvocationLogBucket"],
            topic_arn=outputs["TopicArn"],
            state_machine_arn=outputs["StateMachineArn"],
        )
        _write(root / "cloud.json", info.to_json())
        return cls(root, info, servers, seed)

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
        cloud = cls(root, info, running["servers"], running["seed"])
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
        self._servers["bedrock"] = _start_bedrock(self.root, self.info.endpoint, self.info.bedrock_endpoint, self._seed)
        _write(self.root / "servers.json", {"servers": self._servers, "seed": self._seed})

    def _restart_metrics(self) -> None:
        self._servers["metrics"] = _start_metrics(self.root, self.info.endpoint)
        _write(self.root / "servers.json", {"servers": self._servers, "seed": self._seed})

    @property
    def server_pids(self) -> list[int]:
        """The leaders of the sessions that all of the stand-in's processes belong to."""
        return list(self._servers.values())

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root."""
        url = self.info.bedrock_endpoint if service.startswith("bedrock") else self.info.endpoint
        make: Any = boto3.client  # its overloads know literal names only
        return make(service, endpoint_url=url, region_name=REGION, **CREDENTIALS)

    def deploy_grader(self, app_py: Path) -> str:
        """The ARN of a published version of a grader that lies in ``app_py`` (``handler``), with the library."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            scratch = self.root / "tmp" / "grader"
            scratch.mkdir(exist_ok=True)
            bootstrap(scratch, _lambda_python())
            package.write(scratch / "bootstrap", "bootstrap")
            package.write(app_py, "app.py")
        name = f"grader-{hashlib.sha256(app_py.read_bytes()).hexdigest()[:12]}"
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


def _lambda_python() -> Path:
    return REPOSITORY / ".tools" / "lambda-runtime" / "bin" / "python"


def _environment(root: Path) -> dict[str, str]:
    """The servers' and SAM's: nothing of the user's own AWS configuration, so that nothing reaches a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TMPDIR": str(root / "tmp"),
        "HOME": str(root / "tmp"),
        "PATH": f"{REPOSITORY / '.tools/uv/bin'}:{Path(sys.executable).parent}:{kept.get('PATH', '')}",
    }


def _start_emulator(root: Path, endpoint: str, bedrock_endpoint: str) -> int:
    python = REPOSITORY / ".tools" / "emulator" / "bin" / "python"
    if not python.exists():
        raise CloudError("the emulator isn't installed: run `make setup`")
    environment = _environment(root) | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        # Of the pauses between two tries that the state machine makes: here a deployment takes no minutes.
        "SFN_WAIT_SCALE": "0.2",
        # Each running function is a process. The emulator keeps no queue for events: what it can't run is lost.
        "LAMBDA_ACCOUNT_CONCURRENCY": "64",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_BEDROCK": bedrock_endpoint,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_endpoint,
    }
    log = root / "logs" / "emulator.log"
    process = processes.start([str(python), "-m", "ministack"], environment=environment, cwd=root, log=log)
    _healthy(f"{endpoint}/_ministack/health", process, log)
    return process.pid


def _start_bedrock(root: Path, endpoint: str, bedrock_endpoint: str, seed: int) -> int:
    log = root / "logs" / "bedrock.log"
    command = [sys.executable, "-m", "local.bedrock", "--port", bedrock_endpoint.rpartition(":")[2]]
    command += ["--state", str(root / "state" / "bedrock"), "--aws-endpoint", endpoint, "--region", REGION]
    command += ["--event-source", EVENT_SOURCE, "--seed", str(seed)]
    process = processes.start(command, environment=_environment(root), cwd=REPOSITORY, log=log)
    _healthy(f"{bedrock_endpoint}/_local/health", process, log)
    return process.pid


def _start_metrics(root: Path, endpoint: str) -> int:
    command = [sys.executable, "-m", "local.metrics", "--endpoint", endpoint, "--region", REGION]
    log = root / "logs" / "metrics.log"
    return processes.start(command, environment=_environment(root), cwd=REPOSITORY, log=log).pid


def _healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        processes.wait_until_healthy(url, process, log)
    except BaseException:
        processes.stop([process.pid])
        raise


def _sam_build(root: Path) -> Path:
    """Unchanged parts come from a cache beside SAM's own; two builds at a time would spoil it."""
    build = root / "build"
    cache = REPOSITORY / ".aws-sam" / "local-cache"
    cache.mkdir(parents=True, exist_ok=True)
    uv_cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
    environment = _environment(root) | {"LAYER_PLATFORM": "native", "UV_CACHE_DIR": uv_cache}
    command = ["build", "--build-dir", str(build), "--cached", "--cache-dir", str(cache), "--parallel"]
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sam(root, command, environment, "sam-build.log")
    return build


def _sam_deploy(root: Path, build: Path, endpoint: str, parameters: Mapping[str, str]) -> dict[str, str]:
    template = localise(build, root / "deploy", python=_lambda_python(), parameters=parameters)
    _s3(endpoint).create_bucket(Bucket="artifacts")
    command = ["deploy", "--template-file", str(template), "--stack-name", STACK, "--s3-bucket", "artifacts"]
    command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "--region", REGION]
    command += ["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"]
    command += [f"{name}={value}" for name, value in parameters.items()]
    _sam(root, command, _environment(root) | {"AWS_ENDPOINT_URL": endpoint}, "sam-deploy.log")
    stacks = boto3.client("cloudformation", endpoint_url=endpoint, region_name=REGION, **CREDENTIALS)
    outputs = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


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
    for name in _OWN:
        path = root / name
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
