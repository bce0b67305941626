"""The messages about a run, as a person reads them on a telephone: what happened, the numbers, why, where to look,
what to do next. They hold no prompt and no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rft.run.identity import MODEL_MAX_LENGTH
from rft.run.record import Run
from rft.run.status import Status
from rft.steps.ending import message_parts as parts
from rft.steps.ending.message_parts import MOST_OF_A_REASON, Sender, plain, shortened

MAX_SUBJECT = 99  # SNS takes fewer than 100 characters, printable ASCII
_A_WORD = 60  # characters of an error's name, which AWS or a user's grader chose
_STUCK = {
    Status.QUEUED: "waits for a place among the account's training jobs",
    Status.TRAINING: "the training job has not ended",
    Status.DEPLOYING: "the deployment is not ready",
    Status.COMPARING: "the comparison has not ended",
}


@dataclass(frozen=True, slots=True)
class Message:
    """``attributes`` are for the filters of subscriptions."""

    subject: str
    text: str
    attributes: dict[str, str]


def ended(run: Run, sender: Sender) -> Message:
    """How a run ended."""
    verdict = _verdict(run)
    blocks = [
        [f"{run.model}: {run.status} - {verdict}"],
        [*parts.compared(run), *parts.trained(run)],
        _why(run),
        [*parts.data(run)],
        *_links(run, sender),
        parts.notes(run, sender),
        ["Next:", *_next(run, sender)],
    ]
    return _message(run, sender, f"{run.status}, {_in_short(run, verdict)}", blocks)


def started(run: Run, sender: Sender) -> Message:
    """That a run began. It may still be refused."""
    facts = {
        "Base model": run.base_model,
        "Grader": run.grader_arn,
        "Held out": run.held_out_grader_arn,
        "Deploy": run.deploy,
    }
    blocks = [
        [f"{run.model}: started"],
        [f"{name}: {value}" for name, value in facts.items() if value],
        parts.execution(run, sender),
        parts.notes(run, sender),
        ["Next:", sender.rft(f"watch {run.run_id}")],
    ]
    return _message(run, sender, "started", blocks, kind="start")


def stuck(run: Run, sender: Sender, *, hours: float) -> Message:
    """That nothing ends: ``hours`` since the job was submitted, or since the run began where there is none yet."""
    what = _STUCK.get(run.status, f"still {run.status}")
    job = [f"Job: {run.job_status or 'not seen yet'}"] if run.job_arn else []
    blocks = [
        [f"{run.model}: stuck - {what}"],
        [f"For {_hours(hours)} now", *job, *parts.trained(run)],
        *_links(run, sender),
        parts.notes(run, sender),
        ["Next:", sender.rft(f"watch {run.run_id}"), sender.rft(f"stop {run.run_id}")],
    ]
    return _message(run, sender, f"stuck, {run.status} for {_hours(hours)}", blocks, kind="stuck")


def approval_needed(run: Run, sender: Sender) -> Message:
    """That a person is to say whether the candidate takes over."""
    comparison, until = run.comparison or {}, (run.approval or {}).get("until")
    paid = run.deployment_kind == "provisioned"
    advice = f"Recommended: {comparison['recommended']}" if comparison.get("recommended") else None
    blocks = [
        [f"{run.model}: your decision - promote the new model?"],
        [*parts.compared(run)],
        [text for text in (comparison.get("sentence"), advice) if text],
        [f"Until {parts.moment(until)}." if until else "", "Without a word nothing changes."],
        ["The candidate's provisioned throughput is paid by the hour until then."] if paid else [],
        ["Next:", sender.rft(f"approve {run.run_id}"), sender.rft(f"approve {run.run_id} --keep")],
        parts.measured(run, sender),
        parts.execution(run, sender),
        parts.job(run, sender),
        parts.notes(run, sender),
    ]
    gain = comparison.get("gain")
    words = f"your decision, reward {parts.gain_in_words(gain)}" if gain else "your decision"
    return _message(run, sender, words, blocks, kind="approval")


# -- in words -------------------------------------------------------------------------------------------------------


def _verdict(run: Run) -> str:
    error = shortened((run.reason or {}).get("error"), _A_WORD) if run.reason else ""
    match run.status:
        case Status.PROMOTED:
            return "the new model is live"
        case Status.KEPT:
            return _kept(run)
        case Status.REJECTED:
            return "refused before training was paid for"
        case Status.STOPPED if run.stop_requested:
            return "as asked"
        case Status.STOPPED if error == "RewardConstant":
            return "its rewards did not differ"
        case _:
            return error or "see the reason"


def _kept(run: Run) -> str:
    decided = (run.approval or {}).get("state")
    if decided == "keep":
        return "nothing changes, as decided"
    if decided == "expired":
        return "nobody decided, nothing changes"
    if run.comparison is None:
        return "trained, not deployed, as asked" if run.deploy == "none" else "not made live"
    return "the live version stays" if run.comparison.get("against") == "live" else "not made live"


def _in_short(run: Run, verdict: str) -> str:
    """What the subject has room for beside the status."""
    gain = (run.comparison or {}).get("gain")
    if run.status in (Status.PROMOTED, Status.KEPT):
        return f"reward {parts.gain_in_words(gain)}" if gain else verdict
    if run.reason and not run.stop_requested:
        return shortened(run.reason.get("error"), _A_WORD)
    return verdict


def _why(run: Run) -> Iterator[str]:
    """The reason: of a failure its own, of a comparison its sentence, of a person's word whose it was."""
    if run.reason:
        message = f"{shortened(run.reason.get('error'), _A_WORD)}: {run.reason.get('message')}"
        yield shortened(message, MOST_OF_A_REASON)
    elif run.comparison and run.comparison.get("sentence"):
        yield shortened(run.comparison["sentence"], MOST_OF_A_REASON)
    approval = run.approval or {}
    match approval.get("state"):
        case "promote" | "keep" as word:
            yield f"Decided by {approval.get('decided_by') or 'somebody'}: {word}."
        case "expired":
            yield f"Nobody decided by {parts.moment(approval.get('until'))}."


def _links(run: Run, sender: Sender) -> list[list[str]]:
    found = (parts.report, parts.details, parts.execution, parts.job)
    return [link(run, sender) for link in found]


def _next(run: Run, sender: Sender) -> Iterator[str]:
    reason = run.reason or {}
    if run.status is Status.PROMOTED:
        region = "" if sender.is_stand_in else f" --region {sender.region}"
        yield (
            f"aws bedrock-runtime converse{region} --model-id {run.deployment_arn} "
            """--messages '[{"role":"user","content":[{"text":"..."}]}]'"""
        )
        yield sender.rft(f'compare {run.model} -p "..."')
        return
    if reason.get("details_uri"):
        yield f"aws s3 cp {reason['details_uri']} -"
        yield (
            'then mend the grader, the data or the budget; or say "gate": "warn" in the request'
            if reason.get("error") == "GateClosed"
            else "then upload the corrected file: it has every problem with its fix"
        )
        return
    yield sender.rft(f"show {run.run_id}")
    if run.status in (Status.FAILED, Status.STOPPED) and run.report is not None:
        yield f"{sender.rft(f'submit --from {run.run_id}')} # the same again"


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"


# -- below ----------------------------------------------------------------------------------------------------------


def _message(
    run: Run, sender: Sender, short: str, blocks: Iterable[Iterable[str]], *, kind: str | None = None
) -> Message:
    lines = [[line for line in map(plain, block) if line] for block in blocks]
    text = "\n\n".join("\n".join(block) for block in lines if block) + "\n"
    attributes = {"run_id": run.run_id, "model": run.model, "status": str(run.status)}
    return Message(_subject(run, sender, short), text, attributes | ({"kind": kind} if kind else {}))


def _subject(run: Run, sender: Sender, short: str) -> str:
    """The stack gives way first, then the end of what is said."""
    said = f"{_ascii(run.model)[:MODEL_MAX_LENGTH]}: {_ascii(short)}"
    room = MAX_SUBJECT - len(said) - len("[] ")
    stack = f"[{_ascii(sender.stack)[:room]}] " if room > 0 else ""
    return f"{stack}{said}"[:MAX_SUBJECT]


def _ascii(text: str) -> str:
    return plain("".join(c if c.isascii() else "?" for c in text))
