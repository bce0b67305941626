"""The parts of a message about a run: numbers, links and commands, each in lines that a telephone shows whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rft.run.record import Run

Json = Mapping[str, Any]

MOST_OF_A_REASON = 1_200  # characters
_MOST_OF_A_NOTE = 300
_MOST_NOTES = 10
_ALL_EQUAL = 3  # steps: fewer may be chance
_CONSOLES = {"cn-": "https://{}.console.amazonaws.cn", "us-gov-": "https://{}.console.amazonaws-us-gov.com"}


@dataclass(frozen=True, slots=True)
class Sender:
    """The stack that has something to say, for its links and commands. Of a stand-in no console knows anything."""

    stack: str
    region: str
    bucket: str
    is_stand_in: bool = False

    @property
    def console(self) -> str:
        known = (form for prefix, form in _CONSOLES.items() if self.region.startswith(prefix))
        return next(known, "https://{}.console.aws.amazon.com").format(self.region)

    def rft(self, command: str) -> str:
        """A command of ours, with what leads to this stack."""
        where = "" if self.is_stand_in else f" --target aws --stack {self.stack} --region {self.region}"
        return f"rft {command}{where}"


# -- text -----------------------------------------------------------------------------------------------------------


def plain(text: object) -> str:
    """One line that shows what it says: no control characters, none that turn the direction of writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def shortened(text: object, most: int) -> str:
    """The beginning and the end of a long text: an error comes first, what is left for a person to do comes last."""
    line = plain(text)
    if len(line) <= most:
        return line
    tail = most // 3
    return f"{line[: most - tail - 5].rstrip()} ... {line[-tail:].lstrip()}"


def moment(iso: object) -> str:
    """As in ``2026-01-31 12:00 UTC``."""
    return f"{plain(iso)[:16].replace('T', ' ')} UTC"


def gain_in_words(gain: Json) -> str:
    """As in ``+0.64 (+0.57 to +0.71)``; of small gains one digit more."""
    values = [float(gain[name]) for name in ("mean", "low", "high")]
    digits = 2 if max(abs(value) for value in values) >= 0.1 else 3
    mean, low, high = (f"{value:+z.{digits}f}" for value in values)
    return f"{mean} ({low} to {high})"


# -- numbers --------------------------------------------------------------------------------------------------------


def compared(run: Run) -> Iterator[str]:
    """What the comparison measured, if the run came so far."""
    found = run.comparison
    if found is None:
        return
    against = found["against"]
    means = {role: float(mean) for role, mean in found["means"].items() if mean is not None}
    if against in means and "candidate" in means:
        beside = f"; base {means['base']:.2f}" if against != "base" and "base" in means else ""
        yield f"Reward {means[against]:.2f} -> {means['candidate']:.2f} ({against} -> candidate{beside})"
    if gain := found.get("gain"):
        yield f"Gain {gain_in_words(gain)} at {float(gain['confidence']) * 100:g} %"
    if found["records"]:
        missing = f", {found['missing']:,} missing" if found["missing"] else ""
        counts = f"{found['win']:,} better, {found['loss']:,} worse, {found['tie']:,} equal"
        yield f"{found['records']:,} prompts: {counts}{missing}"


def trained(run: Run) -> Iterator[str]:
    """The newest of the reward curve, for a run of which there is no comparison."""
    if run.training is None or run.comparison is not None:
        return
    yield f"Training reward {float(run.training['reward_mean']):.2f} at step {run.training['step']:,}"
    if run.training.get("constant_steps", 0) >= _ALL_EQUAL:
        yield f"All rewards equal for {run.training['constant_steps']:,} steps"


def data(run: Run) -> Iterator[str]:
    """What it was trained on, and what the gate thought of it."""
    logs, records = run.conversion or {}, run.dataset or {}
    if "records" in logs:
        skipped, failed = (sum(logs[kind].values()) for kind in ("skipped", "failed"))
        yield (
            f"Logs: {logs['records']:,} records, {logs['converted']:,} converted, "
            f"{skipped:,} skipped, {failed:,} failed"
        )
    if "train_records" in records:
        yield f"Data: {records['train_records']:,} training, {records['validation_records']:,} validation"
    if run.gate and run.gate["verdict"] != "open":
        yield f"Gate: {run.gate['verdict']}, {', '.join(run.gate['codes'])}"


def notes(run: Run, sender: Sender) -> Iterator[str]:
    if sender.is_stand_in:
        yield "Note: a stand-in on a developer's machine, which says nothing of what a model of Bedrock will reach"
    for warning in run.warnings[:_MOST_NOTES]:
        yield f"Note: {shortened(warning, _MOST_OF_A_NOTE)}"
    if len(run.warnings) > _MOST_NOTES:
        yield f"Note: and {len(run.warnings) - _MOST_NOTES:,} more"


# -- where to look --------------------------------------------------------------------------------------------------


def report(run: Run, sender: Sender) -> list[str]:
    """The report; before the end of a run, or where it could not be written, the folder."""
    if run.report is None:
        folder = f"s3://{sender.bucket}/{run.folder}"
        console = f"{sender.console}/s3/buckets/{sender.bucket}?region={sender.region}&prefix={quote(run.folder)}"
        return _found("Files", folder, console, sender)
    uri = str(run.report["report_uri"])
    return [*_found("Report", uri, _object(uri, sender), sender), sender.rft(f"report {run.run_id}")]


def details(run: Run, sender: Sender) -> list[str]:
    """What explains the reason: a list of problems, or what the gate saw."""
    uri = str((run.reason or {}).get("details_uri") or "")
    return _found("Details", uri, _object(uri, sender), sender) if uri else []


def measured(run: Run, sender: Sender) -> list[str]:
    """The comparison, while there is no report yet."""
    uri = str((run.comparison or {}).get("document_uri") or "")
    return _found("Comparison", uri, _object(uri, sender), sender) if uri else []


def execution(run: Run, sender: Sender) -> list[str]:
    if run.execution_arn is None or sender.is_stand_in:
        return []
    path = f"states/home?region={sender.region}#/v2/executions/details/{run.execution_arn}"
    return ["Execution:", f"{sender.console}/{path}"]


def job(run: Run, sender: Sender) -> list[str]:
    if run.job_arn is None:
        return []
    path = f"bedrock/home?region={sender.region}#/custom-models/item/?arn={run.job_arn}"
    return ["Training job:", run.job_arn if sender.is_stand_in else f"{sender.console}/{path}"]


def _found(what: str, uri: str, console: str, sender: Sender) -> list[str]:
    return [f"{what}:", uri, *([] if sender.is_stand_in else [console])]


def _object(uri: str, sender: Sender) -> str:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"{sender.console}/s3/object/{bucket}?region={sender.region}&prefix={quote(key)}"
