"""Grader by a judge model: whether an answer keeps to its instructions."""

from rft.grading.judging.instruction_following import score_instruction_following
from rft.judges.handler import judge_grader

handler = judge_grader(score_instruction_following, name="instruction-following")
