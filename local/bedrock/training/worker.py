"""What the process does that trains one job (``worker_process`` has it started by the supervisor).

One pipe brings the job and then answers, one JSON object a line; the other takes what is told. When the first ends, the
server is gone, and so is the worker. Only the job's role is used towards AWS.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from local.bedrock.authorization.by_emulator import ByEmulator
from local.bedrock.authorization.key_needs import key_needs
from local.bedrock.learning.fitted import base_of
from local.bedrock.learning.text import imitable_texts, prompt_of
from local.bedrock.learning.training import Evaluation, RewardsUnusable, Settings, Step, train
from local.bedrock.prompt_index import prompt_digest
from local.bedrock.training import dataset, logs, network
from local.bedrock.training.access import Role
from local.bedrock.training.artifacts import Artifacts
from local.bedrock.training.failure import JobFailed, JobStopped
from local.bedrock.training.grading import Grader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from local.bedrock.learning.policy import Policy

log = logging.getLogger("local.bedrock.worker")


class Server:
    """The other end of the two pipes."""

    def __init__(self, heard: TextIO, told: TextIO) -> None:
        self._heard, self._told = heard, told
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self.specification: dict[str, Any] = json.loads(heard.readline())
        threading.Thread(target=self._listen, daemon=True).start()

    def tell(self, **message: Any) -> None:
        """Write one line."""
        self._told.write(json.dumps(message) + "\n")
        self._told.flush()

    def stopped(self) -> bool:
        """Whether the server has said stop."""
        return self._stopped.is_set()

    def pause(self, seconds: float) -> None:
        """Wait. Raises ``JobStopped`` if the server says stop meanwhile, or has done so."""
        if self._stopped.wait(seconds):
            raise JobStopped

    def ask_after(self, step: int, meanwhile: Callable[[], None]) -> None:
        """Ask whether to go on; ``meanwhile`` is called about once a second. Raises ``JobStopped``, ``JobFailed``."""
        self.tell(step=step)
        while True:
            try:
                answer = self._answers.get(timeout=1)
                break
            except queue.Empty:
                meanwhile()
        if "fail" in answer:
            raise JobFailed(answer["fail"])
        if "stop" in answer:
            raise JobStopped

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Tell of a phase's start and its end; the server knows how a phase ends that is left by an exception."""
        return _Phase(self, name)

    def _listen(self) -> None:
        for line in self._heard:
            message = json.loads(line)
            if "stop" in message:
                self._stopped.set()
            self._answers.put(message)
        os._exit(1)  # the server is gone; nothing of this process is worth an orderly end


@dataclass(slots=True)
class _Phase:
    server: Server
    name: str

    def __enter__(self) -> None:
        self.server.tell(phase=self.name, status="InProgress")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.server.tell(phase=self.name, status="Completed")


@dataclass(slots=True)
class Job:
    """One job on its way, from data to weights."""

    server: Server
    folder: Path
    request: dict[str, Any]
    role: Role
    training: list[dataset.DatasetRecord] = field(default_factory=list)
    validation: list[dataset.DatasetRecord] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        """All three phases. Raises ``JobFailed``, ``JobStopped``."""
        artifacts = Artifacts(
            self.role,
            self.request["outputDataConfig"]["s3Uri"],
            self.server.specification["job_id"],
            with_validation=bool(self._validators()),
        )
        with self.server.phase("validation"):
            self._enter()
            artifacts.write(now=True)  # a role that may not write fails now, not after the training
            self._read()
        with self.server.phase("data_processing"):
            self._drop_long_prompts()
            policy = self._base()
        with self.server.phase("training"):
            self._train(policy, artifacts)
            policy.save(self.folder / "tuned.npz")
            artifacts.write(now=True)
            artifacts.summary(self.facts)

    def _enter(self) -> None:
        """What Bedrock needs of the role before it can touch any data: the key, and the way into the VPC."""
        told = self.server.specification
        if key_arn := told["key_arn"]:
            self.role.may(list(key_needs(key_arn, told["region"])))
        if config := self.request.get("vpcConfig"):
            network.enter(self.role, config, job_arn=told["job_arn"])

    def _validators(self) -> list[str]:
        return [entry["s3Uri"] for entry in self.request.get("validationDataConfig", {}).get("validators", [])]

    def _read(self) -> None:
        data = self.request["trainingDataConfig"]
        if "invocationLogsConfig" in data:
            self.training = logs.read(self.role, data["invocationLogsConfig"])
        else:
            self.training = dataset.read(self.role, [data["s3Uri"]], name="training", fewest=dataset.FEWEST)
        if validators := self._validators():
            self.validation = dataset.read(self.role, validators, name="validation", fewest=1)
        self.facts |= {"training_records": len(self.training), "validation_records": len(self.validation)}

    def _drop_long_prompts(self) -> None:
        longest = self._parameters()["maxPromptLength"]
        kept = [record for record in self.training if dataset.tokens(record["messages"]) <= longest]
        self.facts |= {"dropped_long_prompts": len(self.training) - len(kept)}
        if not kept:
            raise JobFailed(f"All prompts of the training data are longer than maxPromptLength {longest}.")
        self.training = kept

    def _base(self) -> Policy:
        """The base policy of this dataset, saved with the index of the prompts that it is the base for."""
        told = self.server.specification
        policy = base_of(imitable_texts(self.training), seed=told["seed"], kept=Path(told["bases"]))
        self.folder.mkdir(parents=True, exist_ok=True)
        policy.save(self.folder / "base.npz")
        digests = {prompt_digest(record["messages"]) for record in self.training + self.validation}
        (self.folder / "prompts.txt").write_text("\n".join(sorted(digests)))
        self.server.tell(base=True)
        return policy

    def _train(self, policy: Policy, artifacts: Artifacts) -> None:
        steps: list[Step] = []
        evaluations: list[Evaluation] = []

        def on_step(step: Step) -> None:
            steps.append(step)
            artifacts.step(step)
            artifacts.write()
            self.server.ask_after(step.number, meanwhile=artifacts.write)

        def on_evaluation(evaluation: Evaluation) -> None:
            evaluations.append(evaluation)
            artifacts.evaluation(evaluation)
            artifacts.write()

        self.server.ask_after(0, meanwhile=lambda: None)
        grade, grade_validation = self._grader(self.training, "training"), self._grader(self.validation, "validation")
        try:
            train(
                policy,
                [prompt_of(record["messages"]) for record in self.training],
                settings=self._settings(),
                grade=grade,
                validation_prompts=[prompt_of(record["messages"]) for record in self.validation],
                grade_validation=grade_validation if self.validation else None,
                on_step=on_step,
                on_evaluation=on_evaluation,
                should_stop=self.server.stopped,
            )
        except RewardsUnusable as error:
            raise JobFailed(str(error)) from error
        self.server.pause(0)
        self.facts |= _told_by(steps, evaluations)
        self.facts |= {
            "grader_calls": grade.calls + grade_validation.calls,
            "grader_retries": grade.retries + grade_validation.retries,
        }
        if not self.facts["learned"]:
            log.warning("nothing learned: all rewards of each prompt were equal job=%s", self.folder.name)

    def _grader(self, records: Sequence[dataset.DatasetRecord], name: str) -> Grader:
        arn = self.request["customizationConfig"]["rftConfig"]["graderConfig"]["lambdaGrader"]["lambdaArn"]
        backoff = self.server.specification["grader_backoff"]
        return Grader(self.role, arn, records, name=name, backoff=backoff, pause=self.server.pause)

    def _settings(self) -> Settings:
        given = self._parameters()
        return Settings(
            epochs=given["epochCount"],
            batch_size=given["batchSize"],
            samples_per_prompt=given["trainingSamplePerPrompt"],
            learning_rate=given["learningRate"],
            max_answer_tokens=given["inferenceMaxTokens"],
            eval_interval=given["evalInterval"],
            seed=self.server.specification["seed"],
        )

    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = self.request["customizationConfig"]["rftConfig"]["hyperParameters"]
        return parameters


def _told_by(steps: Sequence[Step], evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """The summary's account of the training, with a plain sentence where there was nothing to learn from."""
    learned = any(step.informative_groups for step in steps)
    return {
        "steps": len(steps),
        "steps_with_unequal_rewards": sum(step.informative_groups > 0 for step in steps),
        "learned": learned,
        "message": None
        if learned
        else "All rewards of each prompt were equal: nothing could be learned, and the model is equal to the base.",
        "reward_of_first_step": steps[0].reward_mean if steps else None,
        "reward_of_last_step": steps[-1].reward_mean if steps else None,
        "validation_reward_before": evaluations[0].reward_mean if evaluations else None,
        "validation_reward_after": evaluations[-1].reward_mean if evaluations else None,
    }


def _frames(error: BaseException) -> Iterator[str]:
    """Where an error came from, without its text: that may quote a prompt."""
    yield from traceback.format_tb(error.__traceback__)
    yield type(error).__name__


def main(heard: TextIO, told: TextIO) -> None:
    """Train the job that is heard of first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.ERROR)
    server = Server(heard, told)
    given = server.specification
    try:
        emulator_key = given["emulator_key"]
        role = Role(
            given["request"]["roleArn"],
            job_id=given["job_id"],
            region=given["region"],
            endpoint=given["aws_endpoint"],
            authorizer=ByEmulator(given["aws_endpoint"], emulator_key) if emulator_key else None,
            emulator_key=emulator_key,
            calls=Path(given["record_calls"]) if given["record_calls"] else None,
        )
        Job(server, Path(given["folder"]), given["request"], role).run()
        server.tell(done=True)
    except JobFailed as failure:
        server.tell(failed=str(failure))
    except JobStopped:
        server.tell(stopped=True)
    except Exception as error:
        log.error("bug in the training of job %s\n%s", given["job_id"], "".join(_frames(error)))
        server.tell(failed=f"The training ended by an internal error: {type(error).__name__}.")
