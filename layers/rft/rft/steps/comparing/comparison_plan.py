"""What a comparison asks, and whom: decided once, so that whoever takes it up again asks the same.

Below ``runs/<run_id>/comparison/``::

    plan.json                which prompts, in which batches; which models; how they are asked; who grades
    manifest.json            a JSON array with one item for each batch: what the state machine's map reads
    answers/<batch>.jsonl    what is known of the answers so far
    grader.json              OpenAI's grader JSON of the held-out grader, if that is one
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, NamedTuple

from rft.aws import objects
from rft.aws.clients import client
from rft.aws.objects import PinnedObject
from rft.comparison.rows import Against, Role
from rft.comparison.sample import batches, choose_prompts
from rft.cost.assumed import COMPARED_PROMPTS
from rft.dataset.lines import split_lines, valid_records
from rft.errors import ComparisonFailed
from rft.run.identity import held_out_grader_key
from rft.run.record import Run
from rft.steps.comparing.inference_settings import InferenceSettings, inference_settings
from rft.steps.gate.base_answers import inference_id
from rft.steps.gate.declared_grader import put_grader
from rft.steps.pipeline import Pipeline

BATCH = 100
"""Prompts. That many answers of three models, and their grades, are some minutes of a function's 900 s."""
SEED = 0
_JSON = "application/json"

type Chosen = Sequence[int]
"""Places in the validation set, from 0, ascending."""


class Asked(NamedTuple):
    """Converse's ``modelId`` of a model, and the run that made it (None for the base)."""

    model_id: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """``positions`` are the chosen records of ``validation``, which has ``of``. ``models`` has the base, the candidate
    and, where there is one, the live version. ``held_out`` has the ARN of the second grader, ``arn``, and what leads it
    to its JSON, if the request names one."""

    validation: PinnedObject
    of: int
    positions: tuple[int, ...]
    seed: int
    models: Mapping[Role, Asked]
    settings: InferenceSettings
    grader_arn: str
    held_out: Mapping[str, str] | None

    @property
    def batches(self) -> list[Chosen]:
        return batches(self.positions, BATCH)

    @property
    def against(self) -> Against:
        return "live" if "live" in self.models else "base"

    @property
    def live_run_id(self) -> str | None:
        return self.models["live"].run_id if "live" in self.models else None

    def version(self, role: Role) -> str:
        """What an answer is kept with: a live deployment keeps its ARN when another model is put behind it."""
        asked = self.models[role]
        return asked.run_id or asked.model_id

    def to_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            **asdict(self),
            "models": {role: asked._asdict() for role, asked in self.models.items()},
            "settings": self.settings._asdict(),
            "batches": [len(batch) for batch in self.batches],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        return cls(
            validation=PinnedObject(**document["validation"]),
            of=document["of"],
            positions=tuple(document["positions"]),
            seed=document["seed"],
            models={role: Asked(**asked) for role, asked in document["models"].items()},
            settings=InferenceSettings(**document["settings"]),
            grader_arn=document["grader_arn"],
            held_out=document["held_out"],
        )


def plan_key(run: Run) -> str:
    return f"{run.folder}comparison/plan.json"


def manifest_key(run: Run) -> str:
    return f"{run.folder}comparison/manifest.json"


def answers_key(run: Run, batch: int) -> str:
    return f"{run.folder}comparison/answers/{batch:05d}.jsonl"


def rows_key(run: Run) -> str:
    return f"{run.folder}comparison.jsonl"


def document_key(run: Run) -> str:
    return f"{run.folder}comparison.json"


def kept(pipeline: Pipeline, key: str) -> bytes | None:
    """What lies under a key, if anything does: listed, as S3 may call it forbidden to read what is not there."""
    s3, bucket = client("s3"), pipeline.environment.bucket
    there = any(found == key for found, _ in objects.found(s3, bucket, key))
    return objects.read(s3, bucket, key) if there else None


def planned(pipeline: Pipeline, run: Run) -> Plan:
    """The plan of a run's comparison, made if there is none.

    Where another version is live than when it was made, that one takes its place: answers of the other models stay.
    """
    live = live_model(pipeline, run)
    found = kept(pipeline, plan_key(run))
    if found is None:
        plan = _made(pipeline, run, live)
    else:
        plan = Plan.from_json(json.loads(found))
        if live == plan.models.get("live"):
            return plan
        plan = replace(plan, models=_models(plan.models["base"], live, plan.models["candidate"]))
    _put(pipeline, plan_key(run), plan.to_json())
    return plan


def plan_of(pipeline: Pipeline, run: Run) -> Plan:
    """The plan as it is, for a batch of it."""
    found = kept(pipeline, plan_key(run))
    if found is None:
        raise ComparisonFailed(f"there is no plan of a comparison, {plan_key(run)}: CompareModels writes it")
    return Plan.from_json(json.loads(found))


def put_manifest(pipeline: Pipeline, run: Run, plan: Plan) -> None:
    _put(pipeline, manifest_key(run), [{"run_id": run.run_id, "batch": batch} for batch in range(len(plan.batches))])


def live_model(pipeline: Pipeline, run: Run) -> Asked | None:
    """The version that serves now, unless that is the run's own."""
    model = pipeline.models.get(run.model)
    if model is None or model.live is None or model.live.run_id == run.run_id:
        return None
    return Asked(model.live.deployment_arn, model.live.run_id)


def records_at(source: PinnedObject, positions: Chosen) -> Iterator[dict[str, Any]]:
    """The records of the validation set at these places; only they are parsed."""
    wanted = iter(positions)
    place, place_wanted = 0, next(wanted, None)
    with closing(objects.chunks(client("s3"), source)) as chunks:
        for line in split_lines(chunks):
            if place_wanted is None:
                return
            if not line.data or line.data.isspace():
                continue
            if place == place_wanted:
                yield json.loads(line.data)
                place_wanted = next(wanted, None)
            place += 1


def _made(pipeline: Pipeline, run: Run, live: Asked | None) -> Plan:
    if run.deployment_arn is None or run.grader_arn is None:
        raise ComparisonFailed("the run has no deployment to ask, or no grader: there is nothing to compare by")
    compare = run.request.get("compare") or {}
    environment = pipeline.environment
    base = inference_id(
        run.base_model or "", default_base=environment.default_base_model, profile=environment.base_inference_id
    )
    s3 = client("s3")
    validation = objects.pin(s3, (run.dataset or {})["validation_uri"], None)
    with closing(objects.chunks(s3, validation)) as chunks:
        # In place of the messages their hash, so that the choice holds no prompt in memory.
        records = ({"messages": _hash(record["messages"])} for record in valid_records(chunks))
        sample = choose_prompts(records, compare.get("max_prompts") or COMPARED_PROMPTS, SEED)
    return Plan(
        validation=validation,
        of=sample.of,
        positions=tuple(prompt.position for prompt in sample.prompts),
        seed=SEED,
        models=_models(Asked(base), live, Asked(run.deployment_arn, run.run_id)),
        settings=inference_settings(
            run.base_model or "", run.request.get("hyperparameters") or {}, temperature=compare.get("temperature")
        ),
        grader_arn=run.grader_arn,
        held_out=_held_out(pipeline, run),
    )


def _hash(messages: Any) -> str:
    return blake2b(json.dumps(messages, sort_keys=True).encode(), digest_size=16).hexdigest()


def _models(base: Asked, live: Asked | None, candidate: Asked) -> dict[Role, Asked]:
    return {"base": base, **({"live": live} if live else {}), "candidate": candidate}


def _held_out(pipeline: Pipeline, run: Run) -> dict[str, str] | None:
    if run.held_out_grader_arn is None:
        return None
    declared = ((run.request.get("compare") or {}).get("grader") or {}).get("openai")
    lead = {}
    if declared is not None:
        lead = put_grader(pipeline, run.run_id, declared, key=held_out_grader_key(run.run_id))
    return {"arn": run.held_out_grader_arn} | lead


def _put(pipeline: Pipeline, key: str, document: Any) -> None:
    objects.put(client("s3"), pipeline.environment.bucket, key, json.dumps(document).encode(), _JSON)
