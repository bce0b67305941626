"""OpenAI's grader JSON as a grader of this stack: string_check, text_similarity, score_model, label_model and multi.

    grader = parse_grader(document, judge_model="amazon.nova-pro-v1:0")      # GraderJsonInvalid lists all that is wrong
    score = grader.score(sample, judge)                                     # judge: None where needs_judge is false

The forms are those of OpenAI's guide "Graders" and of the types of its API. What differs, and why:

- A ``python`` grader is refused: its code would come from data, and run with the rights of a grader's function.
- ``cosine`` compares counts of words, not embeddings.
- A judge's number out of range and a reply without a number are errors; OpenAI truncates the one and makes 0 of the
  other. A result that isn't in 0..1 is an error too, and most are found when the JSON is read.
- ``sample.output_json`` is there whenever the answer is JSON. ``output_tools``, ``choices`` and ``output_audio`` never
  are: of an answer Bedrock gives a grader the text.
- A text that is graded reaches a judge in a fence, wherever the template puts it.

===================  ==================================================================================
grader               the whole: parse_grader, OpenAIGrader
checks, models       the graders without and with a judge
formula              calculate_output: arithmetic, compiled and bounded
template, values     ``{{ item.x }}``, and what it stands for in a sample
prompt               the messages of a model grader as a question to a judge
fields, problems     the reading of the JSON, with all that is wrong in it
===================  ==================================================================================
"""

from rft.grading.openai.grader import OpenAIGrader, parse_grader
from rft.grading.openai.problems import GraderJsonInvalid

__all__ = ["GraderJsonInvalid", "OpenAIGrader", "parse_grader"]
