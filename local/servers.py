"""The servers of the stand-in AWS, each started in a session of its own and healthy before anybody uses it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from local import processes

_HERE = Path(__file__).resolve().parent
REPOSITORY = _HERE.parent
ACCOUNT, REGION = "000000000000", "us-east-1"
CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
EVENT_SOURCE = "local.bedrock"


class CloudError(Exception):
    """The stand-in AWS could not be started; ``log_path`` is where to read on."""

    def __init__(self, message: str, log_path: Path | None = None) -> None:
        self.log_path = log_path
        super().__init__(f"{message} (log: {log_path})" if log_path else message)


def server_environment(root: Path) -> dict[str, str]:
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


def key_file(root: Path) -> Path:
    """Holds what the Bedrock stand-in shows the emulator to be answered: a file, as functions inherit environments."""
    return root / "state" / "stand-in.key"


def start_emulator(root: Path, endpoint: str, bedrock_endpoint: str, record_calls: Path | None = None) -> int:
    """The process that hosts the emulator, once it is healthy, with a new key for the stand-in in ``root/state``.

    Raises ``CloudError``, ``ServerFailed``.
    """
    python = REPOSITORY / ".tools" / "emulator" / "bin" / "python"
    if not python.exists():
        raise CloudError("the emulator isn't installed: run `make setup`")
    environment = server_environment(root) | {
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
    if record_calls:
        environment |= {"LOCAL_RECORD_CALLS": str(record_calls), "LOCAL_RECORDER": str(_HERE / "recorder")}
    key = key_file(root)
    key.unlink(missing_ok=True)
    key.touch(mode=0o600)
    key.write_text(secrets.token_urlsafe(32))
    log = root / "logs" / "emulator.log"
    command = [str(python), str(_HERE / "emulator" / "__main__.py"), str(key)]
    process = processes.start(command, environment=environment, cwd=root, log=log)
    _healthy(f"{endpoint}/_ministack/health", process, log)
    return process.pid


def start_bedrock(root: Path, endpoint: str, bedrock_endpoint: str, seed: int, record_calls: Path | None = None) -> int:
    log = root / "logs" / "bedrock.log"
    command = [sys.executable, "-m", "local.bedrock", "--port", bedrock_endpoint.rpartition(":")[2]]
    command += ["--state", str(root / "state" / "bedrock"), "--aws-endpoint", endpoint, "--region", REGION]
    command += ["--event-source", EVENT_SOURCE, "--seed", str(seed), "--emulator-key", str(key_file(root))]
    command += ["--record-calls", str(record_calls)] if record_calls else []
    process = processes.start(command, environment=server_environment(root), cwd=REPOSITORY, log=log)
    _healthy(f"{bedrock_endpoint}/_local/health", process, log)
    return process.pid


def start_metrics(root: Path, endpoint: str) -> int:
    command = [sys.executable, "-m", "local.metrics", "--endpoint", endpoint, "--region", REGION]
    log = root / "logs" / "metrics.log"
    return processes.start(command, environment=server_environment(root), cwd=REPOSITORY, log=log).pid


def _healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        processes.wait_until_healthy(url, process, log)
    except BaseException:
        processes.stop([process.pid])
        raise
