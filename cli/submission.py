"""Handing a dataset or a ``run.json`` to the pipeline, so that the same command twice does not pay twice."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.faults import CliFault, UsageFault
from cli.log_upload import LogFolder, upload_logs
from cli.records import Run
from rft.errors import RequestProblem
from rft.run.identity import model_slug

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cli.client import ApiClient

# What Bedrock takes in a segment of an S3 URI.
_FOREIGN = re.compile(r"[^-!_*'().a-zA-Z0-9]+")
_DATA_FIELDS = ("training_data", "validation_data")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload; its key holds a hash of its content, so the same content is uploaded once."""

    path: Path
    size: int
    sha256: str
    key: str

    @classmethod
    def read(cls, path: Path, model: str) -> LocalFile:
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        name = _FOREIGN.sub("-", path.name)
        return cls(path, path.stat().st_size, sha256, f"datasets/{model}/{sha256[:12]}/{name}")


@dataclass(frozen=True, slots=True)
class Submitted:
    """``created`` is False when the key was seen before: then ``run`` is the run of that time."""

    run: Run
    created: bool
    key: str


def submit(
    file: Path, *, model: str | None, key: str | None, again: bool, api: ApiClient, s3: S3Client, bucket: str, say: Say
) -> Submitted:
    """Upload what ``file`` needs and ask for the run.

    Without ``key`` the idempotency key is a hash of the whole request, in which every data file is pinned to one
    object version. So the same command finds the run that it started before, whatever became of that, until a file
    or the request changes; ``again`` takes a fresh key instead. Raises ``CliFault`` and the faults of the client.
    """
    if again and key is not None:
        raise UsageFault("--key and --again exclude each other: a key names one run, --again asks for a new one.")
    request = read_request(file, model)
    _place_data(request, file.parent, s3=s3, bucket=bucket, say=say)
    chosen = key or (uuid.uuid4().hex if again else request_key(request))
    run, created = api.create_run(request, key=chosen)
    return Submitted(run, created, chosen)


def read_request(file: Path, model: str | None) -> dict[str, Any]:
    """The request that ``file`` stands for: its content, or for a dataset one with all of the stack's defaults."""
    if file.suffix == ".json":
        if model is not None:
            raise UsageFault("--model goes with a .jsonl dataset; a run.json names its model itself.")
        return _json_object(file)
    if file.suffix != ".jsonl":
        raise UsageFault(f"{file.name} is neither a dataset (.jsonl) nor a request (.json).")
    name = model if model is not None else model_slug(file.stem)
    if not name:
        raise UsageFault(f"{file.name} gives no model name: choose one with --model.")
    return {"model": name, "training_data": {"s3_uri": file.name}}


def request_key(request: dict[str, Any]) -> str:
    """The same for the same request, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _json_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes(), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as bad:
        raise CliFault(f"{file.name} is not JSON: {bad}") from None
    if not isinstance(content, dict):
        raise CliFault(f'{file.name} must hold a JSON object: {{"model": ..., "training_data": ...}}')
    return content


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f"a key stands twice in the object with {', '.join(map(repr, content))}")
    return content


def _place_data(request: dict[str, Any], folder: Path, *, s3: S3Client, bucket: str, say: Say) -> None:
    """Upload the files that ``request`` names beside it, and pin every data object of the bucket to its version.

    Anything that isn't a data source of this form is left as it is: the API says what is wrong with it.
    """
    sources = {name: request[name] for name in _DATA_FIELDS if _has_uri(request.get(name))}
    logs = _log_folder(request)
    files = {name: Path(source["s3_uri"]) for name, source in sources.items() if "://" not in source["s3_uri"]}
    problems = [
        RequestProblem(f"{name}.s3_uri", problem)
        for name, path in files.items()
        if (problem := _unusable(path, folder)) is not None
    ]
    if logs is not None and (problem := _unusable_folder(logs, folder)) is not None:
        problems.append(RequestProblem("training_data.invocation_logs.s3_uri", problem))
    if problems:
        raise CliFault("The request names files that can't be taken.", problems=problems)
    model = model_slug(str(request.get("model"))) or "unnamed"
    if logs is not None:
        uploaded = upload_logs(LogFolder.read(folder / logs, model), s3=s3, bucket=bucket, say=say)
        source = request["training_data"]
        request["training_data"] = {**source, "invocation_logs": {**source["invocation_logs"], "s3_uri": uploaded}}
    for name, source in sources.items():
        if name in files:
            local = LocalFile.read(folder / files[name], model)
            version = _upload(local, s3=s3, bucket=bucket, say=say)
            request[name] = {**source, "s3_uri": f"s3://{bucket}/{local.key}", **_pin(version)}
        elif "version_id" not in source and source["s3_uri"].startswith(f"s3://{bucket}/"):
            object_there = _head(s3, bucket, source["s3_uri"].removeprefix(f"s3://{bucket}/"))
            request[name] = {**source, **_pin(object_there.get("VersionId"))}


def _log_folder(request: dict[str, Any]) -> Path | None:
    """The folder of logs beside the request, where it names one."""
    match request.get("training_data"):
        case {"invocation_logs": {"s3_uri": str(uri)}} if "://" not in uri:
            return Path(uri)
    return None


def _unusable_folder(path: Path, folder: Path) -> str | None:
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "must be a folder beside the request or below it, or an s3:// location"
    if not (folder / path).is_dir():
        return f"there is no folder {str(path)!r} beside the request"
    return None if any(file.is_file() for file in (folder / path).rglob("*")) else f"the folder {str(path)!r} is empty"


def _has_uri(source: object) -> bool:
    return isinstance(source, dict) and isinstance(source.get("s3_uri"), str)


def _unusable(path: Path, folder: Path) -> str | None:
    if path.is_absolute() or ".." in path.parts:
        return "must be a file beside the request or below it, or an s3:// location"
    return None if (folder / path).is_file() else f"there is no file {str(path)!r} beside the request"


def _upload(file: LocalFile, *, s3: S3Client, bucket: str, say: Say) -> str | None:
    """Bring ``file`` into the bucket unless it is there already; the version id of the object."""
    there = _head(s3, bucket, file.key)
    if there.get("ContentLength") == file.size and there.get("Metadata", {}).get("sha256") == file.sha256:
        say(f"{file.path.name} is in the bucket already")
    else:
        say(f"uploading {file.path.name} ({file.size / 1e6:,.1f} MB)")
        s3.upload_file(str(file.path), bucket, file.key, ExtraArgs={"Metadata": {"sha256": file.sha256}})
        there = _head(s3, bucket, file.key)
    return there.get("VersionId")


def _head(s3: S3Client, bucket: str, key: str) -> dict[str, Any]:
    """What S3 knows of an object; nothing when it isn't there, or isn't ours to see."""
    try:
        return dict(s3.head_object(Bucket=bucket, Key=key))
    except ClientError as refused:
        if refused.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
            return {}
        raise


def _pin(version: str | None) -> dict[str, str]:
    return {"version_id": version} if version else {}
