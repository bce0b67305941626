"""Which base policy answers a prompt: that of the newest data that hold it, made when it is first asked for.

A job brings its base with it. A prepared dataset that no job trains on yet gets one here, fitted as a job's worker fits
its own, to the same answers with the same seed. One difference stays: a job leaves prompts out that are longer than its
maxPromptLength, which cannot be known before there is one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.bedrock.learning.text import imitable_texts
from local.bedrock.prepared import Prepared, PreparedDatasets
from local.bedrock.prompt_index import prompt_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from local.bedrock.settings import Settings
    from local.bedrock.store import Store

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.5  # seconds from one look at S3 to the next
_LOOK_AGAIN_AFTER_ERROR = 10.0


class Bases:
    """The bases of jobs and of prepared datasets. One thread looks and fits, the others wait for what it finds."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._prepared = PreparedDatasets(settings)
        self._seen: set[str] = set()
        self._next_look = 0.0
        self._readable = True
        self._lock = threading.Lock()

    def base(self, messages: Sequence[Mapping[str, Any]]) -> Path | None:
        """The file of the base of the newest data that hold this very prompt, else of the newest; None without any."""
        digest = prompt_digest(messages)
        with self._lock:
            # A prompt that nobody has noted may be of a dataset that came since the last look.
            if time.monotonic() >= self._next_look or (self._readable and not self._store.knows_prompt(digest)):
                self._look()
            while base_id := self._store.base_of_prompt(digest):
                folder = self._settings.models / base_id
                if (folder / "base.npz").exists() or self._fitted(folder):
                    return folder / "base.npz"
                self._store.forget_prompts(base_id)  # its files are gone
            return None

    def _look(self) -> None:
        """Note the prompts of datasets that are new in S3. Where S3 cannot be read, all stays as it was."""
        self._readable = True
        try:
            for dataset in self._prepared.newest():
                if dataset.id not in self._seen and not self._store.knows_base(dataset.id):
                    self._note(dataset)
                self._seen.add(dataset.id)
        except (BotoCoreError, ClientError) as error:
            log.info("no look at prepared datasets: %s", type(error).__name__)
            self._readable = False
        self._next_look = time.monotonic() + (_LOOK_AGAIN if self._readable else _LOOK_AGAIN_AFTER_ERROR)

    def _note(self, dataset: Prepared) -> None:
        training, validation = self._prepared.training(dataset), self._prepared.validation(dataset)
        if not training:
            return
        folder = self._settings.models / dataset.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "texts.json").write_text(json.dumps(imitable_texts(training)))
        digests = {prompt_digest(record["messages"]) for record in training + validation}
        self._store.remember_prompts(dataset.id, digests, since=dataset.modified)

    def _fitted(self, folder: Path) -> bool:
        """Fit the base of a prepared dataset; False if there is nothing left to fit it to."""
        from local.bedrock.learning.fitted import base_of  # noqa: PLC0415  # numpy takes a while; many calls need none

        texts = folder / "texts.json"
        if not texts.exists():
            return False
        base = base_of(json.loads(texts.read_text()), seed=self._settings.seed, kept=self._settings.bases)
        base.save(folder / "base.npz")
        texts.unlink()
        return True
