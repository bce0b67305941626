"""Bases that were fitted before, kept by what they were fitted to: one dataset is often many jobs'."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from local.bedrock.learning.policy import Policy


def base_of(texts: Sequence[str], *, seed: int, kept: Path) -> Policy:
    """``Policy.base`` of these texts, from the folder ``kept`` where it lies there, else put there.

    The server and the workers of jobs share the folder; who comes first fits for all.
    """
    digest = hashlib.sha256(json.dumps([seed, *texts]).encode()).hexdigest()
    path = kept / f"{digest[:24]}.npz"
    if path.exists():
        return Policy.load(path)
    policy = Policy.base(texts, seed=seed)
    kept.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"{path.stem}-{os.getpid()}-{threading.get_ident()}.npz")  # others may be at it too
    policy.save(own)
    own.replace(path)
    return policy
