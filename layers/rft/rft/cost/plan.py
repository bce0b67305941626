"""What a run will do, in numbers: read off its request, its data and what is known of its grader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from rft.cost import assumed
from rft.cost.ranges import Range

MIN_PROMPTS, MAX_PROMPTS = 100, 20_000  # of a training file (user guide, rft-prepare-data)
NONE = Range(0, 0)

Deploy = Literal["on-demand", "provisioned", "none"]


@dataclass(frozen=True, slots=True)
class Records:
    """How many records, and the tokens of a mean prompt (characters / 4)."""

    count: Range
    prompt_tokens: Range

    @classmethod
    def counted(cls, count: int, stats: Mapping[str, Any]) -> Self:
        """``stats`` as a dataset report has them: the percentiles of the prompts bound their mean from both sides."""
        return cls(Range.exactly(count), _mean_between(count, stats["prompt_tokens"]))

    @classmethod
    def within(cls, low: int, high: int, *, max_prompt_length: int | None = None) -> Self:
        """Records that nobody has counted, as of invocation logs."""
        longest = max_prompt_length or assumed.MAX_PROMPT
        return cls(Range(low, high), Range(min(16, longest), longest))


@dataclass(frozen=True, slots=True)
class GraderFacts:
    """``kind``: ``rule`` computes, ``judge`` asks a model ``judge_calls`` times for an answer, ``own`` is a user's, of
    which nothing is known. ``seconds`` (billed for one answer) and the judge's tokens (of one question) are what the
    gate has measured, None where it hasn't. ``memory_mb`` and ``architecture`` are the Lambda function's."""

    kind: Literal["rule", "judge", "own"]
    judge_calls: int = 0
    judge_model: str | None = None
    seconds: float | None = None
    judge_input_tokens: float | None = None
    judge_output_tokens: float | None = None
    memory_mb: int = 512
    architecture: Literal["arm64", "x86_64"] = "arm64"


@dataclass(frozen=True, slots=True)
class Plan:
    """Tokens are means; ``gate_answers`` are graded before the job, ``gate_base_answers`` of them written by the base
    model. ``compared_models`` answer ``compared_records`` of the validation set in the end; none where nothing is
    deployed."""

    base_model: str
    training_records: Range
    validation_records: Range
    compared_records: Range
    prompt_tokens: Range
    validation_prompt_tokens: Range
    answer_tokens: Range
    epochs: Range
    batch_size: Range
    samples_per_prompt: Range
    eval_interval: Range
    grader: GraderFacts
    grader_seconds: Range
    judge_input_tokens: Range
    judge_output_tokens: Range
    deploy: Deploy
    model_units: int
    gate_answers: Range
    gate_base_answers: Range
    compared_models: Range
    assumptions: tuple[str, ...]


def plan_of(
    request: Mapping[str, Any],
    *,
    base_model: str,
    training: Records,
    validation: Records | None,
    grader: GraderFacts,
    gate_records: int = assumed.GATE_RECORDS,
) -> Plan:
    """``request`` is a checked one, without what was left to the defaults. ``validation`` is None without held-out
    records."""
    asked = request.get("hyperparameters") or {}
    said: list[str] = []
    longest = _given(asked, "inference_max_tokens", assumed.MAX_ANSWER, said)
    answer = Range(max(longest.low * assumed.SHORTEST_ANSWER, 1), longest.high)
    said.append(
        f"a mean answer has {answer.low:,.0f} to {answer.high:,.0f} tokens: from an eighth of inference_max_tokens to "
        "all of it"
    )
    prompt = _capped(training.prompt_tokens, asked.get("max_prompt_length"))
    held_out = validation or Records(NONE, prompt)
    chosen = request.get("deploy") or "on-demand"
    options: Mapping[str, Any] = chosen if isinstance(chosen, Mapping) else {"kind": chosen}
    deploy: Deploy = options["kind"]
    units = options.get("model_units") or 1
    most = (request.get("compare") or {}).get("max_prompts") or assumed.COMPARED_PROMPTS
    reads, writes = _judge_tokens(grader, prompt, answer, said)
    if not training.count.is_exact:
        said.append(f"the records aren't counted yet: {training.count.low:,.0f} to {training.count.high:,.0f}")
    return Plan(
        base_model=base_model,
        training_records=training.count,
        validation_records=held_out.count,
        compared_records=Range(min(held_out.count.low, most), min(held_out.count.high, most)),
        prompt_tokens=prompt,
        validation_prompt_tokens=_capped(held_out.prompt_tokens, asked.get("max_prompt_length")),
        answer_tokens=answer,
        epochs=_given(asked, "epoch_count", assumed.EPOCHS, said),
        batch_size=_given(asked, "batch_size", assumed.BATCH_SIZE, said),
        samples_per_prompt=_given(asked, "training_sample_per_prompt", assumed.SAMPLES_PER_PROMPT, said),
        eval_interval=_given(asked, "eval_interval", assumed.EVAL_INTERVAL, said),
        grader=grader,
        grader_seconds=_seconds(grader, said),
        judge_input_tokens=reads,
        judge_output_tokens=writes,
        deploy=deploy,
        model_units=units,
        gate_answers=assumed.GATE_AGAIN.times(gate_records * (assumed.GATE_LADDER + assumed.GATE_BASE_ANSWERS)),
        gate_base_answers=Range.exactly(gate_records * assumed.GATE_BASE_ANSWERS),
        compared_models=NONE if deploy == "none" else assumed.COMPARED_MODELS,
        assumptions=tuple(said),
    )


def _given(asked: Mapping[str, Any], name: str, otherwise: Range, said: list[str]) -> Range:
    value = asked.get(name)
    if value is not None:
        return Range.exactly(value)
    span = f"{otherwise.low:,.0f}" if otherwise.is_exact else f"{otherwise.low:,.0f} to {otherwise.high:,.0f}"
    said.append(f"{name} isn't set, so Bedrock chooses; AWS's published examples have {span}")
    return otherwise


def _capped(tokens: Range, longest: int | None) -> Range:
    """Bedrock drops prompts that are longer, so no mean of what is left exceeds the limit."""
    return tokens if longest is None else Range(min(tokens.low, longest), min(tokens.high, longest))


def _seconds(grader: GraderFacts, said: list[str]) -> Range:
    if grader.seconds is not None:
        return Range.exactly(grader.seconds)
    if grader.kind == "judge":
        taken = assumed.QUESTION_SECONDS.times(grader.judge_calls)
    else:
        taken = assumed.OWN_SECONDS if grader.kind == "own" else assumed.RULE_SECONDS
    said.append(f"the grader takes {taken.low:g} to {taken.high:g} s of Lambda time an answer; the gate measures it")
    if grader.kind == "own":
        said.append("what a grader of your own pays elsewhere (the models it asks) is not counted")
    return taken


def _judge_tokens(grader: GraderFacts, prompt: Range, answer: Range, said: list[str]) -> tuple[Range, Range]:
    """Read and written for one question."""
    if not grader.judge_calls:
        return NONE, NONE
    # The reference answer, where there is one, is taken to be no longer than the longest answer.
    reads = assumed.JUDGE_FRAME + prompt + answer + Range(0, answer.high)
    writes = assumed.JUDGE_REPLY
    if grader.judge_input_tokens is not None:
        reads = Range.exactly(grader.judge_input_tokens)
    if grader.judge_output_tokens is not None:
        writes = Range.exactly(grader.judge_output_tokens)
    if not (reads.is_exact and writes.is_exact):
        said.append(
            f"a question to the judge has {reads.low:,.0f} to {reads.high:,.0f} tokens, its reply {writes.low:,.0f} to "
            f"{writes.high:,.0f}; questions that are asked again aren't counted, nor are equal answers saved"
        )
    return reads, writes


def _mean_between(count: int, spread: Mapping[str, int | None]) -> Range:
    """Bounds of the mean of ``count`` values whose nearest-rank percentiles are known."""
    low, half, most, top = (spread[name] for name in ("min", "median", "p95", "max"))
    if not count or low is None or half is None or most is None or top is None:
        return NONE
    at_half, at_most = -(-count * 50 // 100), -(-count * 95 // 100)
    between, above = at_most - at_half, count - at_most
    least = ((at_half - 1) * low + between * half + above * most + top) / count
    utmost = (at_half * half + between * most + above * top) / count
    return Range(min(least, utmost), utmost)
