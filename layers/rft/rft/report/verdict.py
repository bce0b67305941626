"""How a run ended, in one sentence, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass

from rft.report import words
from rft.report.blocks import Tone
from rft.report.material import Material, part
from rft.report.texts import line
from rft.run.record import Run
from rft.run.status import Status

_MOST = 1_200  # characters of a reason

_WORDS: dict[Status, tuple[str, Tone]] = {
    Status.PROMOTED: ("Promoted", "good"),
    Status.KEPT: ("Kept", "plain"),
    Status.REJECTED: ("Rejected", "bad"),
    Status.STOPPED: ("Stopped", "warn"),
    Status.FAILED: ("Failed", "bad"),
}
_DATA_ERRORS = frozenset({"DatasetInvalid", "DatasetMissing", "LogsMissing", "LogsDamaged"})
_STAGES = {
    "received": "before its first step",
    "converting": "while its logs were converted",
    "preparing": "while its dataset was prepared",
    "checking": "at the gate",
    "queued": "while its training job was submitted",
    "training": "in training",
    "deploying": "while its model was deployed",
    "comparing": "while its models were compared",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """``word`` alone says how it ended, ``sentence`` why; ``then``: what a person does now."""

    word: str
    tone: Tone
    sentence: str
    then: tuple[str, ...]


def headline(material: Material) -> Headline:
    run = material.run
    word, tone = _WORDS.get(run.status, ("Not ended", "warn"))
    if run.status is Status.PROMOTED:
        return Headline(word, tone, _promoted(material), _after_promotion(material))
    if run.status is Status.KEPT:
        return Headline(word, tone, _kept(material), _after_keeping(material))
    if run.status.is_terminal:
        return Headline(word, tone, _without_model(run, material), _after_a_fault(run))
    return Headline(word, tone, f"The run is still {run.status}; this report shows what there is so far.", ())


def _compared(material: Material) -> str:
    told = part(material.comparison, "verdict", "sentence") or part(material.run.comparison, "sentence")
    return line(told, _MOST) if isinstance(told, str) else ""


def _promoted(material: Material) -> str:
    run, told = material.run, _compared(material)
    by = _decided_by(run)
    if by and part(run.comparison, "recommended") == "keep":
        return f"{by} promoted the model against the recommendation. {told}".rstrip()
    if by:
        return f"{by} promoted the model, as was recommended. {told}".rstrip()
    return told or "The trained model serves now."


def _kept(material: Material) -> str:
    run, told = material.run, _compared(material)
    if not told:
        if run.deploy == "none":
            return "The model was trained and not deployed, as the request asked; nothing was compared."
        return "The old model stays; there are no numbers of a comparison."
    state = part(run.approval, "state")
    if state == "expired":
        return f"Nobody decided in time, so the old model stays. {told}"
    if by := _decided_by(run):
        return f"{by} kept the old model. {told}"
    return told


def _decided_by(run: Run) -> str:
    if part(run.approval, "state") not in ("promote", "keep"):
        return ""
    by = part(run.approval, "decided_by")
    # Of an IAM principal its last part is the name.
    return line(str(by).rpartition("/")[2] or by, 80) if by else "A person"


def _without_model(run: Run, material: Material) -> str:
    reason = run.reason or {}
    error, message = str(reason.get("error") or ""), line(reason.get("message") or "no reason is on record", _MOST)
    if run.status is Status.REJECTED:
        if error in _DATA_ERRORS or error in ("GateClosed", "RequestInvalid"):
            return f"No training was paid for: {_lowered(message)}"
        return f"{line(error, 60)}: {message}" if error else message
    stage = _STAGES.get(last_stage(material), "")
    if run.status is Status.STOPPED:
        return f"The run was stopped {stage}: {_lowered(message)}" if stage else message
    return f"{line(error, 60)} {stage}: {message}" if stage else f"{line(error, 60)}: {message}"


def last_stage(material: Material) -> str:
    """The status that the run had before it ended."""
    told = ""
    for event in material.events:
        status = part(event, "detail", "status")
        if part(event, "type") == "status" and isinstance(status, str) and status in _STAGES:
            told = status
    return told


def _lowered(message: str) -> str:
    """As the rest of a sentence: names and abbreviations keep their capitals."""
    return message[:1].lower() + message[1:] if message[1:2].islower() else message


def _after_promotion(material: Material) -> tuple[str, ...]:
    told = ["Read the worst answers below before you tell anybody: a mean gain hides them."]
    if material.run.deployment_arn:
        told.append(
            "Applications that ask the live deployment get the new model already: its ARN stays the same at every "
            "promotion."
        )
    return tuple(told)


def _after_keeping(material: Material) -> tuple[str, ...]:
    if material.comparison is None and material.run.comparison is None:
        return (
            "Deploy the custom model by hand, or run again without \u201cdeploy\u201d: \u201cnone\u201d to have it "
            "compared.",
        )
    gain = part(material.comparison or material.run.comparison, "gain")
    low, high = words.number(part(gain, "low")), words.number(part(gain, "high"))
    if low is not None and high is not None and low <= 0 <= high:
        return (
            "The interval reaches across zero, so this comparison can't tell the two models apart: more held-out "
            "records make it narrower, more training data or epochs may make the gain larger.",
            "The custom model is kept for a while; its numbers stay on record.",
        )
    return ("Read the answers below: what got worse says what the next run needs, data or another reward.",)


def _after_a_fault(run: Run) -> tuple[str, ...]:
    error = part(run.reason, "error")
    if error == "GateClosed":
        return (
            "Do what the findings below advise, try it with rft check-grader, then submit again.",
            "If you know better than the gate, say \u201cgate\u201d: \u201cwarn\u201d in the request; a broken "
            "contract and the budget hold all the same.",
        )
    if error == "DatasetInvalid":
        return (
            "rft check-dataset FILE shows every line with its fix; with --fix it writes a copy with all certain "
            "repairs.",
        )
    if error == "RequestInvalid":
        return ("Mend what is named above, then submit the request again.",)
    if error == "RewardConstant":
        return ("A grader that tells good answers from bad is the way on: rft check-grader shows what it earns each.",)
    if run.status is Status.STOPPED:
        return (f"rft submit --from {run.run_id} starts the same again.",)
    return (
        f"rft show {run.run_id} has all that is on record. Nothing that costs money was left, unless the sentence "
        "above names it.",
        f"rft submit --from {run.run_id} starts the same again, once the cause is gone.",
    )
