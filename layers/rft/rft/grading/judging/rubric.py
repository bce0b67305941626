"""Graders made of a rubric: a judge model gives a verdict on each criterion, and their values make the score.

RUBRIC = Rubric(
    "You judge replies of a help desk.",
    (
        Criterion(
            "solution",
            "Does the answer solve what the customer wrote about?",
            (Verdict("yes", 1.0, "All of it."), Verdict("partly", 0.4, "..."), Verdict("no", 0.0, "...")),
            weight=3,
            gate=True,
        ),
        Criterion("tone", "Is it polite, and no longer than it has to be?", (...), weight=1),
    ),
)
handler = judge_grader(rubric_score(RUBRIC), name="help-desk")          # rft.judges.handler
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rft.grading.errors import VerdictUnreadable
from rft.grading.judging.criteria import Criterion, Rubric, Verdict
from rft.grading.judging.prompt import question_about, repair
from rft.grading.judging.question import Judge
from rft.grading.judging.texts import is_blank, texts_of
from rft.grading.judging.verdicts import Choices, ReplyUnusable, read_verdicts
from rft.grading.rules.composition import gated, weighted_sum
from rft.grading.rules.lengths import count_words
from rft.grading.sample import Sample
from rft.grading.score import Score

__all__ = ["Criterion", "JudgeScorer", "Rubric", "Verdict", "judged", "rubric_score"]

PARSE_ERROR = "model_grader_parse_error"
"""What OpenAI's graders call a reply without a readable verdict."""

type JudgeScorer = Callable[[Sample, Judge], Score]


def rubric_score(rubric: Rubric) -> JudgeScorer:
    """The scorer that shows a judge the conversation, the answer and the reference, if there is one."""

    def score(sample: Sample, judge: Judge) -> Score:
        return judged(rubric, texts_of(sample), judge)

    return score


def judged(rubric: Rubric, texts: Mapping[str, str], judge: Judge) -> Score:
    """The score of ``texts["answer"]``: the sum of the verdicts' values by their weights, 0 if a gate is shut.

    A blank answer scores 0 and nobody is asked. Rewards: each criterion, by its name. Metrics: ``words`` of the answer,
    and for each gate ``gate.<criterion>``, 1 if it is open. Raises VerdictUnreadable when two replies have no verdict,
    and what the judge raises.
    """
    if is_blank(texts["answer"]):
        choices = {criterion.name: criterion.worst for criterion in rubric.criteria}
    else:
        choices = _asked(rubric, texts, judge)
    values = {criterion.name: criterion.value_of(choices[criterion.name]) for criterion in rubric.criteria}
    score = weighted_sum(values, {criterion.name: criterion.weight for criterion in rubric.criteria})
    if gates := {criterion.name: values[criterion.name] > 0 for criterion in rubric.criteria if criterion.gate}:
        score = gated(score, gates)
    return Score(score.value, score.rewards, {**score.metrics, "words": count_words(texts["answer"])})


def _asked(rubric: Rubric, texts: Mapping[str, str], judge: Judge) -> Choices:
    question = question_about(rubric, texts)
    try:
        return read_verdicts(judge.ask(question), rubric, texts.values())
    except ReplyUnusable as unusable:
        again = repair(question, str(unusable))
    try:
        return read_verdicts(judge.ask(again), rubric, texts.values())
    except ReplyUnusable as unusable:
        raise VerdictUnreadable(f"twice no verdict: {unusable}", flags=(PARSE_ERROR,)) from None
