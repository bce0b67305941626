"""The playground that the API is asked for, in CompareModels' function: it may ask models and call graders."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from botocore.exceptions import ClientError

from rft.aws import graders
from rft.aws.clients import error_code, lambda_client
from rft.aws.converse import Converse, ConverseBusy, QuestionTooLong, prompt_question
from rft.gate.choosing import to_bytes
from rft.gate.ports import InvocationFailed
from rft.gate.probes import as_sample
from rft.gate.reading import Grade, read_answer
from rft.grading.errors import JudgeDenied
from rft.grading.judging.question import Question
from rft.run.record import Run
from rft.steps.comparing.comparison_grades import MARKED, NO_REWARD
from rft.steps.comparing.inference_settings import InferenceSettings, inference_settings
from rft.steps.dataset.dataset_limits import limits_of_run
from rft.steps.gate.base_answers import inference_id
from rft.steps.gate.declared_grader import lead_to_grader
from rft.steps.pipeline import Pipeline

PHASE = "playground"
"""In a sample's ``rft``: no part of a training's curve."""
DEFAULT_TOKENS = 1_024
WORKERS = 8  # for each version
ASK_SECONDS, GRADE_SECONDS = 15.0, 6.0
"""For all answers, and for all grades: the API waits 25 s, a cold start included."""
TRIES, PAUSE_SECONDS = 3, 2.0
TOO_SLOW, NO_REFERENCE = "TooSlow", "ReferenceMissing"

type Answer = dict[str, Any]


def answer_prompts(pipeline: Pipeline, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What ``compare_prompts`` asks for. An answer is an ``error``, by its name, or has a text; its ``reward`` is None
    where a ``grader_error`` says why."""
    run = pipeline.store.get(wanted["run_id"])
    settings = _settings(run, wanted)
    versions = {name: _named(pipeline, asked) for name, asked in wanted["versions"].items()}
    answers = _asked(versions, wanted["prompts"], settings)
    _grade(run, wanted, answers)
    return {
        "model": wanted["model"],
        "versions": versions,
        "settings": settings._asdict(),
        "grader": {"arn": run.grader_arn},
        "prompts": [{"answers": by_version} for by_version in answers],
    }


def _settings(run: Run, wanted: Mapping[str, Any]) -> InferenceSettings:
    """The training's. With high effort a model takes no limit and no temperature, so who gives one asks without."""
    asked = dict(run.request.get("hyperparameters") or {})
    tokens, temperature = wanted.get("max_tokens"), wanted.get("temperature")
    if asked.get("reasoning_effort") == "high" and (tokens, temperature) != (None, None):
        del asked["reasoning_effort"]
    most = tokens or min(asked.get("inference_max_tokens") or DEFAULT_TOKENS, DEFAULT_TOKENS)
    return inference_settings(run.base_model or "", asked, temperature=temperature, max_tokens=most)


def _named(pipeline: Pipeline, asked: Mapping[str, Any]) -> dict[str, Any]:
    """A base model by the profile that it is asked by."""
    if asked["run_id"] is not None:
        return dict(asked)
    environment = pipeline.environment
    base = inference_id(
        asked["model_id"], default_base=environment.default_base_model, profile=environment.base_inference_id
    )
    return {"model_id": base, "run_id": None}


# -- asking ----------------------------------------------------------------------------------------------------------


def _asked(
    versions: Mapping[str, Mapping[str, Any]], prompts: Sequence[Any], settings: InferenceSettings
) -> list[dict[str, Answer]]:
    """The answers to each prompt, by version. What isn't there in time is an error, whatever becomes of the call."""
    until = time.monotonic() + ASK_SECONDS
    questions = [
        Question(*prompt_question(messages), settings.max_tokens, settings.temperature) for messages in prompts
    ]
    pools = [ThreadPoolExecutor(WORKERS) for _ in versions]
    futures: list[dict[str, Future[Answer]]] = [{} for _ in questions]
    for pool, (name, asked) in zip(pools, versions.items(), strict=True):
        model = Converse(asked["model_id"], workers=WORKERS, read_seconds=ASK_SECONDS, fields=settings.fields)
        for place, question in enumerate(questions):
            futures[place][name] = pool.submit(_answer, model, question, until)
    wait([future for by_version in futures for future in by_version.values()], timeout=ASK_SECONDS)
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
    return [{name: _in_time(future) for name, future in by_version.items()} for by_version in futures]


def _in_time(future: Future[Answer]) -> Answer:
    return future.result() if future.done() and not future.cancelled() else {"error": TOO_SLOW}


def _answer(model: Converse, question: Question, until: float) -> Answer:
    for attempt in range(1, TRIES + 1):
        try:
            return model.ask(question)._asdict()
        except JudgeDenied as denied:
            return {"error": denied.code or type(denied).__name__, "detail": str(denied)}
        except QuestionTooLong as too_long:
            return {"error": type(too_long).__name__, "detail": str(too_long)}
        except ConverseBusy as busy:
            pause = random.uniform(0, PAUSE_SECONDS)  # noqa: S311
            if attempt == TRIES or time.monotonic() + pause > until:
                return {"error": busy.code, "detail": str(busy)}
            time.sleep(pause)
    raise AssertionError("the last try returns")


# -- grading ---------------------------------------------------------------------------------------------------------


def _grade(run: Run, wanted: Mapping[str, Any], answers: Sequence[Mapping[str, Answer]]) -> None:
    """A grade for each answer that has a text, or why it has none."""
    references = wanted.get("reference_answers") or [None] * len(answers)
    needs_reference = limits_of_run(run).require_reference
    graded: list[Answer] = []
    samples: list[Mapping[str, Any]] = []
    for place, by_version in enumerate(answers):
        for answer in by_version.values():
            if "text" not in answer:
                continue
            answer.update(reward=None, components={})
            if needs_reference and references[place] is None:
                answer["grader_error"] = NO_REFERENCE
            else:
                graded.append(answer)
                record = _record(run, wanted["prompts"][place], references[place])
                samples.append(as_sample(record, place, answer["text"]))
    if samples:
        for answer, grade in zip(graded, _grades(run.grader_arn or "", samples), strict=True):
            answer.update(grade)


def _record(run: Run, messages: Any, reference: Any) -> dict[str, Any]:
    rft = {"run_id": run.run_id, "model": run.model, **lead_to_grader(run), "phase": PHASE}
    return {"messages": messages, "rft": rft} | ({} if reference is None else {"reference_answer": reference})


def _grades(arn: str, samples: Sequence[Mapping[str, Any]]) -> list[Answer]:
    invoke = graders.invoker(lambda_client(GRADE_SECONDS), arn, seconds=GRADE_SECONDS)
    try:
        reading = read_answer(invoke(to_bytes(samples)).payload, [str(sample["id"]) for sample in samples])
    except InvocationFailed as failure:
        return [{"grader_error": str(failure)} for _ in samples]
    except ClientError as error:
        return [{"grader_error": error_code(error)} for _ in samples]
    if not reading.grades:
        return [{"grader_error": reading.breaches[0].code} for _ in samples]
    return [_told(grade) for grade in reading.grades]


def _told(grade: Grade | None) -> Answer:
    if grade is None or grade.error:
        return {"grader_error": NO_REWARD if grade is None else MARKED}
    return {"reward": grade.reward, "components": dict(grade.components)}
