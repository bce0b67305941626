"""Starts one worker process a job, a few at a time, follows what it says, and ends it when it must end.

The worker asks after each step whether to go on; so stopping and the faults for jobs need nothing but an answer.
"""

from __future__ import annotations

import json
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from local.bedrock.records import Job
from local.bedrock.training.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.bedrock.faults import Faults
    from local.bedrock.job_states import JobStates
    from local.bedrock.settings import Settings
    from local.bedrock.store import Store

log = logging.getLogger(__name__)

_STALL_LOOK = 0.1  # seconds between two looks at the rules while a job is stalled


class Supervisor:
    """Jobs InProgress get a worker when there is room; jobs Stopping lose theirs."""

    def __init__(self, store: Store, settings: Settings, states: JobStates, faults: Faults) -> None:
        self._store, self._settings, self._states, self._faults = store, settings, states, faults
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin to work, on jobs that a former process left unfinished first."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the jobs again."""
        self._changed.set()

    def close(self) -> None:
        """End all workers. Their jobs stay InProgress, and train anew under the next supervisor."""
        self._closing = True
        self.wake()
        self._thread.join(timeout=5)
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.abandon()
        for worker in workers:
            worker.join(timeout=5)

    def _run(self) -> None:
        while not self._closing:
            self._changed.clear()
            try:
                self._look()
            except Exception:
                log.exception("bug in the supervision of jobs")
            self._changed.wait()

    def _look(self) -> None:
        for job in self._store.all(Job):
            if job.ended is not None or self._closing:
                continue
            with self._lock:
                worker, busy = self._workers.get(job.arn), len(self._workers)
            if job.status == "Stopping":
                if worker:
                    worker.stop()
                else:
                    self._states.stopped(job.arn)
            elif worker is None and busy < self._settings.concurrent_jobs:
                self._states.restarted(job.arn)
                worker = self._worker(job)
                with self._lock:
                    self._workers[job.arn] = worker
                worker.start()

    def _worker(self, job: Job) -> _Worker:
        return _Worker(
            job,
            store=self._store,
            settings=self._settings,
            states=self._states,
            faults=self._faults,
            gone=self._gone,
        )

    def _gone(self, arn: str) -> None:
        with self._lock:
            self._workers.pop(arn, None)
        self.wake()


class _Worker(threading.Thread):
    """One worker process and the thread that listens to it."""

    def __init__(
        self,
        job: Job,
        *,
        store: Store,
        settings: Settings,
        states: JobStates,
        faults: Faults,
        gone: Callable[[str], None],
    ) -> None:
        super().__init__(name=f"job {job.id}", daemon=True)
        self._job, self._store, self._settings, self._states, self._faults = job, store, settings, states, faults
        self._gone = gone
        self._stopping = threading.Event()
        self._abandoned = False
        self._writing = threading.Lock()
        # For the one call that assumes the job's role.
        root = {"AWS_ACCESS_KEY_ID": settings.access_key, "AWS_SECRET_ACCESS_KEY": settings.secret_key}
        self._process = WorkerProcess(root)

    def run(self) -> None:
        """Follow the worker to its end, and settle the job."""
        job, end = self._job, None
        try:
            self._say(_specification(job, self._settings))
            for line in self._process.lines():
                end = self._heard(json.loads(line)) or end
            code = self._process.wait()
            log.info("worker ended job=%s code=%s", job.id, code)
            if self._abandoned:
                return
            if self._stopping.is_set():
                self._states.stopped(job.arn)
            elif end == {"done": True}:
                self._states.completed(job.arn)
            else:
                self._states.failed(job.arn, (end or {}).get("failed") or "The training ended by an internal error.")
        except Exception:
            log.exception("bug while following job %s", job.id)
            self._states.failed(job.arn, "The training ended by an internal error of the local stand-in.")
        finally:
            self._end_process()
            self._gone(job.arn)

    def stop(self) -> None:
        """Tell the worker to stop; kill it if it takes too long."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._say({"stop": True})
            killer = threading.Timer(self._settings.stop_grace, self._process.kill)
            killer.daemon = True
            killer.start()

    def abandon(self) -> None:
        """End the worker at once, without a word about the job."""
        self._abandoned = True
        self._stopping.set()
        self._process.kill()

    def _heard(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Act on one line of the worker; the last word about the job is returned."""
        match message:
            case {"phase": phase, "status": status}:
                self._states.phase(self._job.arn, phase, status)
            case {"base": _}:
                digests = (self._settings.models / self._job.id / "prompts.txt").read_text().split()
                self._store.remember_prompts(self._job.id, digests)
            case {"step": int() as step}:
                self._say(self._answer(step))
            case _:
                return message
        return None

    def _answer(self, step: int) -> dict[str, Any]:
        """What the worker shall do once ``step`` steps are done."""
        while not self._stopping.is_set():
            rules = [rule for rule in self._faults.job(self._job.name) if step >= rule.step]
            if failure := next((rule for rule in rules if rule.do == "fail"), None):
                return {"fail": failure.message}
            if not any(rule.do == "stall" for rule in rules):
                slow = next((rule for rule in rules if rule.do == "slow" and step > 0), None)
                if slow is None or not self._stopping.wait(slow.seconds_per_step):
                    return {"go": True}
            self._stopping.wait(_STALL_LOOK)
        return {"stop": True}

    def _say(self, message: dict[str, Any]) -> None:
        with self._writing, suppress(OSError, ValueError):  # it may be gone already; its end is noticed elsewhere
            self._process.say(json.dumps(message))

    def _end_process(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.close()


def _specification(job: Job, settings: Settings) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "job_arn": job.arn,
        "key_arn": job.key_arn,
        "request": job.request,
        "folder": str((settings.models / job.id).resolve()),
        "bases": str(settings.bases.resolve()),
        "region": settings.region,
        "aws_endpoint": settings.aws_endpoint,
        "seed": settings.seed,
        "grader_backoff": settings.grader_backoff,
        "emulator_key": settings.emulator_key,
        "record_calls": str(settings.record_calls.resolve()) if settings.record_calls else None,
    }
