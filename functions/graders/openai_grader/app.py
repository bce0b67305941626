"""Grader that does what the OpenAI grader JSON of a run's request says."""

from rft.judges.declared import openai_score
from rft.judges.handler import judge_grader

handler = judge_grader(openai_score, name="openai")
