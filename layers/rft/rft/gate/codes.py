"""Every finding that the gate can make, by its code: how much it weighs, what it means and what to do.

Severities, the heaviest first. ``contract``: Bedrock can't train with what the grader does; nothing lets a run past
it. ``closed``: the run would very likely be wasted money; ``"gate": "warn"`` lets it go on, but for the budget, which
is the user's own word. ``warning``: worth reading before the money is spent.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

type Severity = Literal["contract", "closed", "warning"]
SEVERITIES: tuple[Severity, ...] = ("contract", "closed", "warning")

OVER_BUDGET = "over-budget"


class Code(NamedTuple):
    """``title`` and ``advice`` are whole sentences for a person; ``docs/graders.md`` has them as a table."""

    severity: Severity
    title: str
    advice: str


_CALLS = {
    "grader-raised": (
        "The grader raised an error.",
        "Run it on one event with `rft grade` and read its own log. Catch what a single answer can cause; an error "
        "that is raised fails the whole batch, and after some tries the training job.",
    ),
    "judge-unavailable": (
        "The grader's judge model can't be asked.",
        "Check that the account has access to the judge model in this region, that the grader's role may call it, and "
        "the model's quota.",
    ),
    "grader-timed-out": (
        "The grader didn't answer within its time limit.",
        "Raise the function's timeout (Lambda's default is 3 seconds), give it more memory, or do less for an answer; "
        "a judge's calls should run in parallel.",
    ),
    "grader-out-of-memory": ("The grader ran out of memory.", "Give the function more memory, or keep less at once."),
    "grader-exited": (
        "The grader's process ended before it answered.",
        "Look for sys.exit, a crash in a native library, or a killed child process.",
    ),
    "grader-refused": (
        "The grader can't be called.",
        "Check that the function exists in this region, that its ARN names a version that is there, and that the role "
        "may invoke it.",
    ),
    "answer-too-large": (
        "The grader's answer is larger than Lambda passes on.",
        "Return id, aggregate_reward_score and a few metrics for a sample, never texts: 6 MB is the limit of a call.",
    ),
}

_FORM = {
    "not-json": ("The grader's answer is not JSON.", "Return a Python list from the handler; Lambda writes the JSON."),
    "wrapped-for-http": (
        "The grader wraps its results as an answer to a web request.",
        'Return the bare list. Bedrock isn\'t a web client: no {"statusCode": 200, "body": ...}.',
    ),
    "json-in-a-string": (
        "The grader returns its results as a string of JSON.",
        "Return the list itself, without json.dumps: Lambda writes the JSON.",
    ),
    "not-a-list": (
        "The grader's answer is not a list.",
        "Return a list with one result for each sample, in the same order.",
    ),
    "rows-missing": (
        "The grader answered fewer results than it was given samples.",
        "Return a result for every sample, also for one that can't be graded; don't key results by id, as the answers "
        "to one prompt may share it.",
    ),
    "rows-extra": (
        "The grader answered more results than it was given samples.",
        "Return exactly one result for each sample, in the same order.",
    ),
    "not-an-object": (
        "A result is not an object.",
        'Return {"id": ..., "aggregate_reward_score": ...} for each sample, not a bare number.',
    ),
    "wrong-order": (
        "The results stand in another order than the samples.",
        "Return them in the order of the samples; executor.map keeps it, as_completed doesn't.",
    ),
    "wrong-ids": (
        "A result doesn't carry the id of its sample.",
        "Copy each sample's id into its result, unchanged and of the same type.",
    ),
    "reward-missing": (
        "A result has no aggregate_reward_score.",
        "Name the reward aggregate_reward_score; reward or score are not read.",
    ),
    "reward-not-a-number": (
        "An aggregate_reward_score is not a number.",
        "Return a number such as 1.0, not True, None or a text.",
    ),
    "nan-reward": (
        "An aggregate_reward_score is NaN.",
        "Look for 0/0, an average of nothing, or a cosine of an empty text; decide what such an answer earns.",
    ),
    "infinite-reward": (
        "An aggregate_reward_score is infinite.",
        "Look for a division by zero or a logarithm of zero; decide what such an answer earns.",
    ),
    "out-of-range": (
        "An aggregate_reward_score lies outside of -1 to 1.",
        "Scale rewards to 0 to 1. AWS documents no range, but its graders use 0 to 1 and its advice is -1 to 1.",
    ),
    "metrics-invalid": (
        "A metrics_list doesn't have the form that Bedrock takes.",
        'Give a list of {"name": text, "value": finite number, "type": "Metric" or "Reward"}, or leave it out.',
    ),
}

_CONDUCT = {
    "not-deterministic": (
        "The same answers earned other rewards the second time.",
        "Take out what is random, what depends on the time and what is kept from call to call: noise in the reward is "
        "learned as if it were one.",
    ),
    "depends-on-batch": (
        "The reward of an answer depends on the answers beside it.",
        "Grade each sample by itself and map results by position. The answers to one prompt may share an id, so a "
        "dictionary by id gives them all the same reward.",
    ),
    "bad-sample-sinks-batch": (
        "One bad sample spoils the rewards of the good ones.",
        "Catch the error for each sample, give that one 0 and an `error` metric, and return the whole list. "
        "`rft.grading.grader` does so for you.",
    ),
    "no-records": (
        "There is no record to test the grader with.",
        "Give a dataset with at least one training record.",
    ),
}

_CLOSED = {
    "constant-reward": (
        "Every answer earns the same reward.",
        "Nothing can be learned from it. Check that the grader reads the last message, and the reference answer where "
        "the dataset has it; a judge, that its rubric tells good from bad answers.",
    ),
    "no-scores": (
        "The grader marks every answer as an error.",
        "Its log names the reason for each, and so may the metrics beside `error` in its results. Mostly the records "
        "lack what the grader needs, or have it elsewhere.",
    ),
    "gold-errors": (
        "The grader can't grade many of the right answers.",
        "Its log names the reason, and so may the metrics beside `error` in its results. Mostly the reference answers "
        "don't have the form that this grader reads.",
    ),
    "gold-not-above": (
        "The right answer earns no more than a wrong one.",
        "Training would not lead to right answers. Check what the grader compares the answer with.",
    ),
    "truncated-above-gold": (
        "Half of the right answer earns more than the whole.",
        "Training would teach the model to stop early. Look at what rewards brevity.",
    ),
    "echo-above-gold": (
        "Repeating the prompt earns more than the right answer.",
        "Training would teach the model to echo. Look at what rewards words of the prompt.",
    ),
    "flood-above-gold": (
        "A pile of words earns more than the right answer.",
        "Training would teach the model to ramble. Limit the length, or look at what rewards it.",
    ),
    "no-signal": (
        "For no prompt do the base model's answers differ in reward.",
        "Such groups teach nothing under GRPO. Give partial credit, take prompts of another difficulty, or fine-tune "
        "with supervision first.",
    ),
    "too-slow": (
        "A batch of a training job would take longer than the grader may.",
        "Raise the function's timeout (Lambda's most is 900 seconds), or do less for an answer.",
    ),
    "results-too-large": (
        "The results of a training job's batch would be larger than Lambda passes on.",
        "Return fewer or shorter metrics for a sample.",
    ),
    OVER_BUDGET: (
        "The run would go over its budget.",
        'Raise "budget" in the request, or train less: fewer records, epochs or answers to a prompt. "gate": "warn" '
        "doesn't let a run past its budget.",
    ),
}

_WARNINGS = {
    "negative-reward": (
        "Some rewards are below 0.",
        "Bedrock takes them, but a report reads more easily from 0 to 1, and thresholds here assume it.",
    ),
    "empty-list-fails": (
        "The grader fails on an empty batch.",
        "Return an empty list for one. Bedrock isn't known to send it.",
    ),
    "rewards-vary": (
        "The same answers earned other rewards the second time.",
        "Set the judge's temperature to 0 and ask for verdicts from a short closed list, not for free numbers.",
    ),
    "some-errors": (
        "The grader marks some answers as errors.",
        "Its log names the reason for each, and so may the metrics beside `error` in its results. An error counts as 0 "
        "in training.",
    ),
    "gold-low": (
        "The right answer earns little.",
        "A right answer should earn the most there is. Check that the prompt asks for the form that the grader reads.",
    ),
    "empty-rewarded": (
        "An empty answer earns a good part of the reward.",
        "Give an empty answer the lowest reward, so that silence isn't a way out.",
    ),
    "echo-rewarded": (
        "Repeating the prompt earns a good part of the reward.",
        "Let words of the prompt count for little, or subtract for copying.",
    ),
    "flood-as-good": (
        "A pile of words earns about as much as the right answer.",
        "Limit the length, or ask for a form that a pile of keywords doesn't have: it is the first thing that training "
        "finds.",
    ),
    "weak-signal": (
        "For few prompts do the base model's answers differ in reward.",
        "Groups of equal rewards teach nothing under GRPO. Partial credit or prompts of middling difficulty help.",
    ),
    "too-hard": (
        "Hardly any answer of the base model earns a reward.",
        "Take easier data, give partial credit, or fine-tune with supervision first (AWS's advice for under 5 %).",
    ),
    "nothing-to-gain": (
        "The base model's answers earn nearly all there is.",
        "There is nothing to gain (AWS's advice for above 95 %). Take harder data or a stricter grader.",
    ),
    "signal-unknown": (
        "Whether the base model's answers differ in reward isn't known.",
        "Let the gate ask the base model; otherwise training may turn out to have nothing to learn from.",
    ),
    "near-timeout": (
        "A batch of a training job would take over half of the time that the grader may.",
        "Raise the function's timeout: answers in training vary more in length than those of this test.",
    ),
    "batch-too-large": (
        "A batch of a training job could be larger than Lambda takes.",
        "Shorten the prompts, or move long fields of the records to where the grader can read them. How many samples "
        "Bedrock sends at once isn't documented.",
    ),
    "judge-quota": (
        "The judge model's quota is lower than what the grader would ask of it.",
        "Ask for a higher quota, choose a judge with one, or take fewer answers to a prompt.",
    ),
    "cost-unknown": (
        "A part of the cost isn't known.",
        "Set the missing price, or hold the run by a number of rollouts in its budget.",
    ),
}

_TEXTS: dict[Severity, dict[str, tuple[str, str]]] = {
    "contract": _CALLS | _FORM | _CONDUCT,
    "closed": _CLOSED,
    "warning": _WARNINGS,
}
CODES: dict[str, Code] = {
    code: Code(severity, *texts) for severity in SEVERITIES for code, texts in _TEXTS[severity].items()
}
"""All of them, the heaviest first."""
