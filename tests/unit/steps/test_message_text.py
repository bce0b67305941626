"""The messages about a run: what stands first, what each says, and that nothing of a user can break them."""

from __future__ import annotations

import re
import shlex
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft.run.record import Run
from rft.run.status import TERMINAL, Status
from rft.steps.ending import message_text as texts
from rft.steps.ending.message_parts import MOST_OF_A_REASON, Sender, gain_in_words, plain, shortened
from rft.steps.ending.message_text import MAX_SUBJECT, Message

RUN = "ticket-triage-0123456789ab"
BUCKET = "rft-data-123456789012"
ACCOUNT = "us-east-1:123456789012"
DEPLOYMENT = f"arn:aws:bedrock:{ACCOUNT}:custom-model-deployment/abcdefghijkl"
EXECUTION = f"arn:aws:states:{ACCOUNT}:execution:rft-prod-run:{RUN}"
JOB = f"arn:aws:bedrock:{ACCOUNT}:model-customization-job/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"
REPORT = f"s3://{BUCKET}/runs/{RUN}/report.html"
CONSOLE = "https://us-east-1.console.aws.amazon.com"
FLAGS = "--target aws --stack rft-prod --region us-east-1"
SENTENCE = "The candidate is better than the base model."
AWS = Sender("rft-prod", "us-east-1", BUCKET)
STAND_IN = Sender("rft", "us-east-1", BUCKET, is_stand_in=True)
COMPARISON: dict[str, Any] = {
    "against": "base",
    "live_run_id": None,
    "recommended": "promote",
    "sentence": SENTENCE,
    "records": 100,
    "gain": {"mean": 0.64, "low": 0.571, "high": 0.712, "confidence": 0.95},
    "means": {"base": 0.12, "candidate": 0.76},
    "win": 80,
    "tie": 17,
    "loss": 3,
    "missing": 0,
    "document_uri": f"s3://{BUCKET}/runs/{RUN}/comparison.json",
    "rows_uri": f"s3://{BUCKET}/runs/{RUN}/comparison.jsonl",
}
WAITING: dict[str, Any] = {
    "state": "waiting",
    "since": "2026-01-01T10:00:00.000Z",
    "until": "2026-01-08T10:00:00.000Z",
    "decided_at": None,
    "decided_by": None,
}
WHOLE: dict[str, Any] = {
    "run_id": RUN,
    "model": "ticket-triage",
    "status": "promoted",
    "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-01T00:00:00.000Z",
    "base_model": "amazon.nova-2-lite-v1:0:256k",
    "grader_arn": f"arn:aws:lambda:{ACCOUNT}:function:rft-grader-format-validation:3",
    "deploy": "on-demand",
    "deployment_arn": DEPLOYMENT,
    "execution_arn": EXECUTION,
    "job_arn": JOB,
    "job_status": "Completed",
    "dataset": {"train_records": 480, "validation_records": 100},
    "gate": {"verdict": "open", "codes": [], "report_uri": f"s3://{BUCKET}/runs/{RUN}/gate.json"},
    "training": {"step": 100, "reward_mean": 0.81, "constant_steps": 0},
    "comparison": COMPARISON,
    "report": {"report_uri": REPORT, "markdown_uri": "", "manifest_uri": ""},
}
EARLY: dict[str, Any] = {"comparison": None, "training": None, "report": None, "deployment_arn": None, "job_arn": None}


def run(**changes: Any) -> Run:
    return Run.from_json(WHOLE | changes)


def ended(sender: Sender = AWS, **changes: Any) -> Message:
    return texts.ended(run(**changes), sender)


def blocks(message: Message) -> list[list[str]]:
    return [block.splitlines() for block in message.text.strip().split("\n\n")]


def block(message: Message, title: str) -> list[str]:
    (found,) = [lines[1:] for lines in blocks(message) if lines[0] == title]
    return found


def reason(error: str, message: str, details: str | None = None) -> dict[str, Any]:
    return {"error": error, "message": message, "details_uri": details}


# -- the ends -------------------------------------------------------------------------------------------------------


def test_a_promoted_run_tells_verdict_numbers_reason_links_and_what_to_do_in_this_order() -> None:
    message = ended(warnings=["the gate found little spread"])
    assert message.subject == "[rft-prod] ticket-triage: promoted, reward +0.64 (+0.57 to +0.71)"
    assert message.attributes == {"run_id": RUN, "model": "ticket-triage", "status": "promoted"}
    said = blocks(message)
    assert said[:3] == [
        ["ticket-triage: promoted - the new model is live"],
        [
            "Reward 0.12 -> 0.76 (base -> candidate)",
            "Gain +0.64 (+0.57 to +0.71) at 95 %",
            "100 prompts: 80 better, 3 worse, 17 equal",
        ],
        [SENTENCE],
    ]
    assert [lines[0] for lines in said[3:]] == [
        "Data: 480 training, 100 validation",
        *("Report:", "Execution:", "Training job:"),
        "Note: the gate found little spread",
        "Next:",
    ]
    assert block(message, "Report:") == [
        REPORT,
        f"{CONSOLE}/s3/object/{BUCKET}?region=us-east-1&prefix=runs/{RUN}/report.html",
        f"rft report {RUN} {FLAGS}",
    ]
    assert block(message, "Execution:") == [
        f"{CONSOLE}/states/home?region=us-east-1#/v2/executions/details/{EXECUTION}"
    ]
    assert block(message, "Training job:") == [
        f"{CONSOLE}/bedrock/home?region=us-east-1#/custom-models/item/?arn={JOB}"
    ]


def test_the_first_command_after_a_promotion_asks_the_model_as_it_stands() -> None:
    ask, compare = block(ended(), "Next:")
    words = shlex.split(ask)
    assert words[:3] == ["aws", "bedrock-runtime", "converse"]
    assert words[words.index("--model-id") + 1] == DEPLOYMENT
    assert words[words.index("--messages") + 1] == '[{"role":"user","content":[{"text":"..."}]}]'
    assert shlex.split(compare)[:5] == ["rft", "compare", "ticket-triage", "-p", "..."]


def test_a_gain_against_the_live_model_names_the_base_too() -> None:
    gain = {"mean": 0.018, "low": -0.021, "high": 0.055, "confidence": 0.999}
    means = {"base": 0.12, "live": 0.74, "candidate": 0.76}
    against_live = COMPARISON | {"against": "live", "means": means, "gain": gain, "missing": 2}
    message = ended(status="kept", comparison=against_live, deployment_arn=None)
    assert message.subject == "[rft-prod] ticket-triage: kept, reward +0.018 (-0.021 to +0.055)"
    assert blocks(message)[:2] == [
        ["ticket-triage: kept - the live version stays"],
        [
            "Reward 0.74 -> 0.76 (live -> candidate; base 0.12)",
            "Gain +0.018 (-0.021 to +0.055) at 99.9 %",
            "100 prompts: 80 better, 3 worse, 17 equal, 2 missing",
        ],
    ]
    assert DEPLOYMENT not in message.text


@pytest.mark.parametrize("means", [{}, {"base": None, "candidate": 0.5}])
def test_what_could_not_be_compared_has_no_numbers(means: dict[str, Any]) -> None:
    nothing = dict.fromkeys(("records", "win", "tie", "loss", "missing"), 0) | {"gain": None, "document_uri": None}
    message = ended(status="kept", comparison=COMPARISON | nothing | {"means": means, "recommended": "keep"})
    assert blocks(message)[:2] == [["ticket-triage: kept - not made live"], [SENTENCE]]
    assert message.subject == "[rft-prod] ticket-triage: kept, not made live"
    asked = texts.approval_needed(run(status="comparing", comparison=COMPARISON | nothing, approval=WAITING), AWS)
    assert asked.subject == "[rft-prod] ticket-triage: your decision"
    assert "Comparison:" not in asked.text


@pytest.mark.parametrize(
    ("changes", "verdict", "short"),
    [
        ({"status": "kept"}, "kept - not made live", "kept, reward +0.64 (+0.57 to +0.71)"),
        (
            {"status": "kept", "comparison": None, "deploy": "none"},
            "kept - trained, not deployed, as asked",
            "kept, trained, not deployed, as asked",
        ),
        (
            {"status": "kept", "approval": WAITING | {"state": "keep", "decided_by": "ann"}},
            "kept - nothing changes, as decided",
            "kept, reward +0.64 (+0.57 to +0.71)",
        ),
        (
            {"status": "kept", "approval": WAITING | {"state": "expired"}},
            "kept - nobody decided, nothing changes",
            "kept, reward +0.64 (+0.57 to +0.71)",
        ),
        (
            {"status": "rejected", "reason": reason("DatasetInvalid", "3 problems")} | EARLY,
            "rejected - refused before training was paid for",
            "rejected, DatasetInvalid",
        ),
        (
            {"status": "stopped", "stop_requested": True, "reason": reason("JobStopped", "stopped")} | EARLY,
            "stopped - as asked",
            "stopped, as asked",
        ),
        (
            {"status": "stopped", "reason": reason("RewardConstant", "12 steps")} | EARLY,
            "stopped - its rewards did not differ",
            "stopped, RewardConstant",
        ),
        (
            {"status": "stopped", "reason": reason("JobStopped", "somebody stopped it")} | EARLY,
            "stopped - JobStopped",
            "stopped, JobStopped",
        ),
        (
            {"status": "failed", "reason": reason("DeploymentTimedOut", "not active")},
            "failed - DeploymentTimedOut",
            "failed, DeploymentTimedOut",
        ),
        ({"status": "failed"}, "failed - see the reason", "failed, see the reason"),
    ],
)
def test_each_end_has_words_of_its_own(changes: dict[str, Any], verdict: str, short: str) -> None:
    message = ended(**changes)
    assert blocks(message)[0] == [f"ticket-triage: {verdict}"]
    assert message.subject == f"[rft-prod] ticket-triage: {short}"
    assert "bedrock-runtime" not in message.text, "there is no new model to be asked"


def test_whose_word_it_was_is_told() -> None:
    by = f"arn:aws:iam::{ACCOUNT}:user/ann"
    promoted = ended(approval=WAITING | {"state": "promote", "decided_by": by})
    assert blocks(promoted)[2] == [SENTENCE, f"Decided by {by}: promote."]
    expired = ended(status="kept", approval=WAITING | {"state": "expired"})
    assert blocks(expired)[2] == [SENTENCE, "Nobody decided by 2026-01-08 10:00 UTC."]


def test_a_rejected_run_leads_to_what_explains_it() -> None:
    uri = f"s3://{BUCKET}/runs/{RUN}/dataset/report.json"
    message = ended(status="rejected", reason=reason("DatasetInvalid", "3 problems", uri), **EARLY)
    assert ["DatasetInvalid: 3 problems"] in blocks(message)
    assert block(message, "Details:")[0] == uri
    assert block(message, "Next:")[0] == f"aws s3 cp {uri} -"
    closed = ended(status="rejected", reason=reason("GateClosed", "constant", uri), **EARLY)
    assert '"gate": "warn"' in block(closed, "Next:")[1]


def test_a_run_without_a_report_leads_to_its_folder() -> None:
    message = ended(report=None)
    assert block(message, "Files:") == [
        f"s3://{BUCKET}/runs/{RUN}/",
        f"{CONSOLE}/s3/buckets/{BUCKET}?region=us-east-1&prefix=runs/{RUN}/",
    ]
    assert "rft report" not in message.text


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_what_failed_can_be_asked_for_again_where_its_manifest_was_written(status: str) -> None:
    again = f"rft submit --from {RUN} {FLAGS}"
    fault = reason("JobFailed", "capacity was lost")
    (_, last) = block(ended(status=status, reason=fault), "Next:")
    assert last.startswith(again)
    assert shlex.split(last, comments=True) == shlex.split(again)
    assert again not in ended(status=status, reason=fault, report=None).text


def test_the_numbers_of_logs_gate_and_training_are_told() -> None:
    logs = {"records": 1_200, "converted": 1_000, "skipped": {"empty": 150}, "failed": {"json": 50}}
    message = ended(
        status="failed",
        reason=reason("JobFailed", "x"),
        conversion=logs,
        gate=WHOLE["gate"] | {"verdict": "warnings", "codes": ["small-signal", "slow"]},
        comparison=None,
        training={"step": 1_031, "reward_mean": 0.5, "constant_steps": 12},
    )
    assert blocks(message)[1] == ["Training reward 0.50 at step 1,031", "All rewards equal for 12 steps"]
    assert blocks(message)[3] == [
        "Logs: 1,200 records, 1,000 converted, 150 skipped, 50 failed",
        "Data: 480 training, 100 validation",
        "Gate: warnings, small-signal, slow",
    ]


def test_the_end_of_a_long_reason_is_told_too() -> None:
    left = "COULD NOT stop the training job j: it may cost money, please do it by hand."
    message = ended(status="failed", reason=reason("JobTimedOut", "too long, " * 1_000 + left))
    (line,) = [lines[0] for lines in blocks(message) if lines[0].startswith("JobTimedOut: too long")]
    assert len(line) <= MOST_OF_A_REASON
    assert line.endswith(left)


def test_many_warnings_are_counted() -> None:
    message = ended(warnings=[f"warning {n} " + "x" * 1_000 for n in range(30)])
    (notes,) = [lines for lines in blocks(message) if lines[0].startswith("Note: warning 0")]
    assert (len(notes), notes[-1]) == (11, "Note: and 20 more")
    assert max(map(len, notes)) <= 320


def test_of_a_stand_in_nothing_is_told_that_only_aws_has() -> None:
    for message in (ended(STAND_IN), texts.approval_needed(run(approval=WAITING), STAND_IN)):
        assert "console" not in message.text
        assert "--target" not in message.text
        assert "Note: a stand-in on a developer's machine" in message.text
    assert block(ended(STAND_IN), "Training job:") == [JOB]
    assert block(ended(STAND_IN), "Report:") == [REPORT, f"rft report {RUN}"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_each_partition_has_a_console_of_its_own(region: str, host: str) -> None:
    assert f"https://{host}/s3/object/" in ended(Sender("rft", region, BUCKET)).text


# -- the notices ----------------------------------------------------------------------------------------------------


def test_a_start_says_what_is_trained_by_what() -> None:
    held_out = f"arn:aws:lambda:{ACCOUNT}:function:second:1"
    message = texts.started(run(status="received", held_out_grader_arn=held_out, warnings=["careful"], **EARLY), AWS)
    assert message.subject == "[rft-prod] ticket-triage: started"
    assert message.attributes == {"run_id": RUN, "model": "ticket-triage", "status": "received", "kind": "start"}
    assert blocks(message)[:2] == [
        ["ticket-triage: started"],
        [
            "Base model: amazon.nova-2-lite-v1:0:256k",
            f"Grader: {WHOLE['grader_arn']}",
            f"Held out: {held_out}",
            "Deploy: on-demand",
        ],
    ]
    assert ["Note: careful"] in blocks(message)
    assert block(message, "Next:") == [f"rft watch {RUN} {FLAGS}"]


@pytest.mark.parametrize(
    ("status", "hours", "verdict", "short"),
    [
        ("training", 26.2, "the training job has not ended", "stuck, training for 26 h"),
        ("queued", 3.0, "waits for a place among the account's training jobs", "stuck, queued for 3 h"),
        ("preparing", 0.5, "still preparing", "stuck, preparing for 30 min"),
    ],
)
def test_a_run_that_is_stuck_says_where_and_for_how_long(status: str, hours: float, verdict: str, short: str) -> None:
    message = texts.stuck(run(status=status, job_status="InProgress", comparison=None), AWS, hours=hours)
    assert message.subject == f"[rft-prod] ticket-triage: {short}"
    assert message.attributes["kind"] == "stuck"
    first, second = blocks(message)[:2]
    assert first == [f"ticket-triage: stuck - {verdict}"]
    assert second[1:] == ["Job: InProgress", "Training reward 0.81 at step 100"]
    assert block(message, "Next:") == [f"rft watch {RUN} {FLAGS}", f"rft stop {RUN} {FLAGS}"]


def test_what_waiting_costs_is_told_where_it_costs() -> None:
    paid = "provisioned throughput is paid by the hour"
    waiting = {"status": "comparing", "approval": WAITING}
    assert paid in texts.approval_needed(run(**waiting, deployment_kind="provisioned"), AWS).text
    assert paid not in texts.approval_needed(run(**waiting, deployment_kind="on-demand"), AWS).text


def test_a_decision_is_asked_for_with_the_numbers_and_both_commands() -> None:
    message = texts.approval_needed(run(status="comparing", report=None, approval=WAITING), AWS)
    assert message.subject == "[rft-prod] ticket-triage: your decision, reward +0.64 (+0.57 to +0.71)"
    assert message.attributes["kind"] == "approval"
    assert blocks(message)[:5] == [
        ["ticket-triage: your decision - promote the new model?"],
        blocks(ended())[1],
        [SENTENCE, "Recommended: promote"],
        ["Until 2026-01-08 10:00 UTC.", "Without a word nothing changes."],
        ["Next:", f"rft approve {RUN} {FLAGS}", f"rft approve {RUN} --keep {FLAGS}"],
    ]
    assert block(message, "Comparison:")[0] == COMPARISON["document_uri"]
    assert "Report:" not in message.text, "it is written at the end"


# -- whatever users write -------------------------------------------------------------------------------------------

HOSTILE = st.text(max_size=300) | st.text("\r\n\t\0\x1b\u202e\u2066\u200fäあ😀\ud83d ", max_size=40)
GAINS = st.fixed_dictionaries(
    {name: st.floats(-1, 1) for name in ("mean", "low", "high")} | {"confidence": st.floats(0.5, 0.999)}
)
SENDERS = st.builds(Sender, stack=HOSTILE, region=st.just("us-east-1"), bucket=HOSTILE, is_stand_in=st.booleans())
RUNS = st.fixed_dictionaries(
    {
        "model": HOSTILE,
        "run_id": HOSTILE,
        "warnings": st.lists(HOSTILE, max_size=15),
        "reason": st.none() | st.fixed_dictionaries(dict.fromkeys(("error", "message", "details_uri"), HOSTILE)),
        "comparison": st.none() | st.fixed_dictionaries({"sentence": HOSTILE, "gain": st.none() | GAINS}),
        "approval": st.none() | st.fixed_dictionaries({"state": HOSTILE, "until": HOSTILE, "decided_by": HOSTILE}),
        "job_status": HOSTILE,
        "deploy": HOSTILE,
        "stop_requested": st.booleans(),
    }
)


@given(RUNS, SENDERS, st.sampled_from(sorted(Status)), st.floats(0, 1e6))
def test_no_text_of_a_user_breaks_a_message(
    changes: dict[str, Any], sender: Sender, status: Status, hours: float
) -> None:
    comparison = changes["comparison"]
    told = run(
        **changes | {"status": status.value, "comparison": None if comparison is None else COMPARISON | comparison}
    )
    messages = [texts.ended(told, sender)] if status in TERMINAL else []
    messages += [texts.started(told, sender), texts.approval_needed(told, sender)]
    messages += [texts.stuck(told, sender, hours=hours)]
    for message in messages:
        assert 1 <= len(message.subject) <= MAX_SUBJECT
        assert message.subject.isascii()
        assert message.subject.isprintable()
        assert re.match(r"[!-~]", message.subject), "SNS wants a letter, a digit or punctuation first"
        assert len(message.text) < 20_000
        message.text.encode()
        assert not {unicodedata.category(c) for c in message.text if c != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert all(line == line.strip() for line in message.text.splitlines())
        assert "\n\n\n" not in message.text


@given(st.text(max_size=3_000), st.integers(20, 1_500))
def test_a_text_is_shortened_to_its_ends(text: str, most: int) -> None:
    line = plain(text)
    short = shortened(text, most)
    assert len(short) <= most
    if len(line) <= most:
        assert short == line
    else:
        begin, _, end = short.partition(" ... ") if line.count(" ... ") == 0 else (short[:5], "", short[-5:])
        assert line.startswith(begin)
        assert line.endswith(end)


@pytest.mark.parametrize(
    ("mean", "low", "high", "words"),
    [
        (0.64, 0.571, 0.712, "+0.64 (+0.57 to +0.71)"),
        (0.018, -0.021, 0.055, "+0.018 (-0.021 to +0.055)"),
        (0.0, 0.0, 0.0, "+0.000 (+0.000 to +0.000)"),
        (-0.25, -0.4, -0.1, "-0.25 (-0.40 to -0.10)"),
        (-0.0001, -0.2, 0.1, "+0.00 (-0.20 to +0.10)"),
    ],
)
def test_a_gain_in_words(mean: float, low: float, high: float, words: str) -> None:
    assert gain_in_words({"mean": mean, "low": low, "high": high}) == words


def test_the_stack_gives_way_where_a_subject_gets_long() -> None:
    message = texts.ended(run(model="m" * 40), Sender("s" * 128, "us-east-1", BUCKET))
    assert len(message.subject) == MAX_SUBJECT
    assert message.subject.endswith("s] " + "m" * 40 + ": promoted, reward +0.64 (+0.57 to +0.71)")
