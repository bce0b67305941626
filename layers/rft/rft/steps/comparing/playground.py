"""POST /models/{model}/compare: any prompts, answered by several versions of a model side by side, with their scores.

The API's function checks what is asked for and has CompareModels' function ask and grade: that one may call models and
graders, the API may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ReadTimeoutError

from rft.aws import functions
from rft.aws.converse import prompt_question
from rft.aws.model_store import Model
from rft.errors import GateTooSlow, ModelMissing, RequestInvalid, RequestProblem, VersionNotDeployed
from rft.grading.errors import BadSample
from rft.run.record import Run
from rft.run.request import json_object
from rft.run.status import Status
from rft.steps.pipeline import Pipeline

MAX_PROMPTS, MAX_CHARACTERS, MAX_VERSIONS, MAX_TOKENS = 8, 4_000, 4, 4_096
MAX_REFERENCE = 16_000  # characters, as JSON
ANSWER_SECONDS = 25.0  # API Gateway waits 29 s
BASE, LIVE = "base", "live"
_LOOK_AT = 25  # runs
_FIELDS = ("prompts", "versions", "reference_answers", "max_tokens", "temperature")
_ROLES = ("system", "developer", "user", "assistant", "tool")


def compare_prompts(pipeline: Pipeline, model: str, body: str) -> dict[str, Any]:
    """From the API. Raises ``RequestInvalid``, ``ModelMissing``, ``VersionNotDeployed`` and ``GateTooSlow``."""
    content = json_object(body, 'as in {"prompts": ["What is 12 * 7?"]}')
    given = {key: value for key, value in content.items() if value is not None}
    if problems := _problems(given):
        raise RequestInvalid(problems)
    names = given.get("versions", [BASE, LIVE])
    versions = _Versions.of(pipeline, model, names)
    event = {
        "model": model,
        "versions": versions.asked,
        "run_id": versions.run.run_id,
        "prompts": [_messages(prompt) for prompt in given["prompts"]],
        "reference_answers": given.get("reference_answers"),
        "max_tokens": given.get("max_tokens"),
        "temperature": given.get("temperature"),
    }
    try:
        return functions.ask(
            pipeline.environment.compare_models_function, {"playground": event}, seconds=ANSWER_SECONDS
        )
    except ReadTimeoutError:
        raise GateTooSlow(
            f"the answers take longer than the {ANSWER_SECONDS:.0f} s that the API has: ask fewer prompts or versions, "
            "or for fewer max_tokens"
        ) from None
    except functions.FunctionFailed as failed:
        raise RuntimeError(f"the playground ended with {failed.name}") from None


@dataclass(frozen=True, slots=True)
class _Versions:
    """``asked`` has ``model_id`` and ``run_id`` by name; by the settings and the grader of ``run`` all are asked."""

    asked: dict[str, dict[str, str | None]]
    run: Run

    @classmethod
    def of(cls, pipeline: Pipeline, name: str, names: Sequence[str]) -> _Versions:
        model = pipeline.models.get(name)
        runs = {version: _run_of(pipeline, name, version) for version in names if version not in (BASE, LIVE)}
        if unknown := [version for version, run in runs.items() if run is None]:
            listed = f"is no version of the model {name}; GET /models/{name} lists them"
            raise RequestInvalid([RequestProblem(f"versions.{names.index(each)}", listed) for each in unknown])
        settings = _settings_run(pipeline, name, model, [run for run in runs.values() if run is not None])
        asked: dict[str, dict[str, str | None]] = {}
        for version in names:
            if version == BASE:
                asked[version] = {"model_id": settings.base_model, "run_id": None}
            else:
                asked[version] = _deployed(model, name, version, runs.get(version))
        return cls(asked, settings)


def _run_of(pipeline: Pipeline, model: str, run_id: str) -> Run | None:
    run = pipeline.store.find(run_id)
    return run if run is not None and run.model == model and run.custom_model_arn is not None else None


def _settings_run(pipeline: Pipeline, name: str, model: Model | None, named: Sequence[Run]) -> Run:
    """The run of the live version; else the first that is named; else the newest."""
    if model is not None and model.live is not None and (run := pipeline.store.find(model.live.run_id)) is not None:
        return run
    if named:
        return named[0]
    newest = map(Run.from_json, pipeline.store.runs(model=name, status=None, limit=_LOOK_AT, token=None).items)
    run = next((run for run in newest if run.base_model is not None), None)  # a request that was refused has none
    if run is None:
        raise ModelMissing(f"there is no model {name}; GET /models lists those that there are")
    return run


def _deployed(model: Model | None, name: str, version: str, run: Run | None) -> dict[str, str | None]:
    live = model.live if model is not None else None
    if version == LIVE and live is None:
        raise ModelMissing(
            f"the model {name} has no live version: none was promoted; ask for {BASE}, or a run that is being compared"
        )
    if live is not None and version in (LIVE, live.run_id):
        return {"model_id": live.deployment_arn, "run_id": live.run_id}
    if run is not None and run.status is Status.COMPARING and run.deployment_arn is not None:
        return {"model_id": run.deployment_arn, "run_id": run.run_id}
    raise VersionNotDeployed(
        f"the version {version} answers nowhere: only the live version has a deployment, and a candidate while it is "
        "compared or waits for an approval"
    )


# -- what is asked for -----------------------------------------------------------------------------------------------


def _problems(given: Mapping[str, Any]) -> list[RequestProblem]:
    problems = [
        RequestProblem(key, f"unknown field; known here: {', '.join(_FIELDS)}") for key in given if key not in _FIELDS
    ]
    prompts = given.get("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MAX_PROMPTS:
        problems.append(RequestProblem("prompts", f"must be a list of 1 to {MAX_PROMPTS} prompts"))
    else:
        problems += [problem for place, prompt in enumerate(prompts) for problem in _of_prompt(place, prompt)]
        problems += _of_references(given.get("reference_answers"), len(prompts))
    problems += _of_versions(given.get("versions", [BASE, LIVE]))
    tokens, temperature = given.get("max_tokens", 1), given.get("temperature", 0)
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MAX_TOKENS:
        problems.append(RequestProblem("max_tokens", f"must be a whole number from 1 to {MAX_TOKENS:,}"))
    if not isinstance(temperature, int | float) or isinstance(temperature, bool) or not 0 <= temperature <= 1:
        problems.append(RequestProblem("temperature", "must be a number from 0 to 1"))
    return problems


def _of_prompt(place: int, prompt: object) -> list[RequestProblem]:
    path = f"prompts.{place}"
    if isinstance(prompt, Mapping) and set(prompt) == {"messages"}:
        messages, path = prompt["messages"], f"{path}.messages"
        if not isinstance(messages, list) or not messages or not all(map(_is_message, messages)):
            fix = f"must be a list of objects with role (one of {', '.join(_ROLES)}) and content, a text or text parts"
            return [RequestProblem(path, fix)]
    elif not isinstance(prompt, str):
        return [RequestProblem(path, 'must be a text, or an object as in {"messages": [...]}')]
    elif not prompt.strip():
        return [RequestProblem(path, "is blank")]
    try:
        system, turns = prompt_question(_messages(prompt))
    except BadSample as bad:
        return [RequestProblem(path, str(bad).removeprefix("messages: "))]
    length = len(system) + sum(len(turn.text) for turn in turns)
    if length > MAX_CHARACTERS:
        return [RequestProblem(path, f"has {length:,} characters; at most {MAX_CHARACTERS:,} are taken")]
    return []


def _is_message(message: object) -> bool:
    return (
        isinstance(message, Mapping)
        and message.get("role") in _ROLES
        and set(message) <= {"role", "content"}
        and isinstance(message.get("content"), str | list)
    )


def _messages(prompt: Any) -> list[dict[str, Any]]:
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt["messages"]
    return list(messages)


def _of_references(references: object, prompts: int) -> list[RequestProblem]:
    if references is None:
        return []
    if not isinstance(references, list) or len(references) != prompts:
        return [RequestProblem("reference_answers", f"must be a list with an entry for each of the {prompts} prompts")]
    return [
        RequestProblem(f"reference_answers.{place}", f"must be a text, an object or null, of {MAX_REFERENCE:,} at most")
        for place, reference in enumerate(references)
        if not (reference is None or isinstance(reference, str | Mapping)) or len(str(reference)) > MAX_REFERENCE
    ]


def _of_versions(versions: object) -> list[RequestProblem]:
    if not isinstance(versions, list) or not 1 <= len(versions) <= MAX_VERSIONS:
        return [RequestProblem("versions", f"must be a list of 1 to {MAX_VERSIONS}: {BASE}, {LIVE} and ids of runs")]
    if not all(isinstance(version, str) for version in versions) or len(set(versions)) != len(versions):
        return [RequestProblem("versions", "must name each version by a text, and none twice")]
    return []
