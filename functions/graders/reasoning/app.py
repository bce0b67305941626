"""Grader by a judge model: whether the steps of an answer lead to the right conclusion."""

from rft.grading.judging.reasoning import score_reasoning
from rft.judges.handler import judge_grader

handler = judge_grader(score_reasoning, name="reasoning")
