"""Grader by a judge model: whether an answer says what its context says."""

from rft.grading.judging.rag_faithfulness import score_rag_faithfulness
from rft.judges.handler import judge_grader

handler = judge_grader(score_rag_faithfulness, name="rag-faithfulness")
