"""Grader by a judge model: what a summary covers and whether it invents."""

from rft.grading.judging.summarization import score_summarization
from rft.judges.handler import judge_grader

handler = judge_grader(score_summarization, name="summarization")
