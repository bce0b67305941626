"""A folder of invocation logs beside a ``run.json``, brought into the stack's bucket file by file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THREADS = 16
_TOLD_EVERY = 1_000  # files


@dataclass(frozen=True, slots=True)
class LogFolder:
    """The files by their path in the folder; ``prefix`` holds a hash of all of them, so the same folder is uploaded
    once, and a changed one to a place of its own."""

    path: Path
    files: dict[str, Path]
    size: int
    prefix: str

    @classmethod
    def read(cls, path: Path, model: str) -> LogFolder:
        files = {
            file.relative_to(path).as_posix(): file
            for file in sorted(path.rglob("*"))
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        }
        whole = hashlib.sha256()
        size = 0
        for name, file in files.items():
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{content} {name}\n".encode("utf-8", "surrogateescape"))
            size += file.stat().st_size
        return cls(path, files, size, f"datasets/{model}/{whole.hexdigest()[:12]}/logs/")


def upload_logs(folder: LogFolder, *, s3: S3Client, bucket: str, say: Callable[[str], None]) -> str:
    """Bring what isn't there yet of ``folder`` into the bucket; the ``s3://`` prefix."""
    there = {
        entry["Key"]: entry["Size"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder.prefix)
        for entry in page.get("Contents", [])
    }
    missing = [
        (name, file) for name, file in folder.files.items() if there.get(folder.prefix + name) != file.stat().st_size
    ]
    shown = f"{folder.path.name}/"
    if not missing:
        say(f"{shown} is in the bucket already ({len(folder.files):,} files)")
    else:
        say(f"uploading {shown} ({len(missing):,} of {len(folder.files):,} files, {folder.size / 1e6:,.1f} MB in all)")

    def put(named: tuple[str, Path]) -> None:
        name, file = named
        s3.upload_file(str(file), bucket, folder.prefix + name)

    with ThreadPoolExecutor(min(THREADS, s3.meta.config.max_pool_connections)) as pool:  # type: ignore[attr-defined]
        for done, _ in enumerate(pool.map(put, missing), start=1):
            if done % _TOLD_EVERY == 0 and done < len(missing):
                say(f"{done:,} of {len(missing):,} files uploaded")
    return f"s3://{bucket}/{folder.prefix}"
