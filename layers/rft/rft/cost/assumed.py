"""What is taken where neither the request nor a measurement says: ranges, each told to the user as a sentence.

Bedrock chooses the hyperparameters that a request leaves out, and AWS publishes no defaults: the ranges are what AWS's
own published examples of reinforcement fine-tuning use (user guide, SDK, samples, blogs).
"""

from __future__ import annotations

from rft.cost.ranges import Range

EPOCHS = Range(1, 2)
BATCH_SIZE = Range(16, 128)
SAMPLES_PER_PROMPT = Range(2, 8)
EVAL_INTERVAL = Range(10, 10)
MAX_ANSWER = Range(500, 8_192)
MAX_PROMPT = 8_192
SHORTEST_ANSWER = 1 / 8
"""Of the longest that is allowed: the low end of a mean answer."""

MINUTES_A_STEP = Range(1, 6)
SHORTEST_HOURS = 1.0
"""AWS says only that a job can take a few hours."""

SAMPLES_PER_CALL = Range(1, 128)
"""Of a training job's call of the grader: undocumented. Amazon's other flavour (SageMaker) sends 64 or 128."""
RULE_SECONDS = Range(0.0001, 0.02)
QUESTION_SECONDS = Range(0.05, 5)
"""Billed for one question to a judge: from a sixteenth of 0.8 s, sixteen being asked at a time, to a slow one alone."""
OWN_SECONDS = Range(0.001, 5)

JUDGE_FRAME = Range(300, 1_200)
"""Tokens of a judge's instructions and rubric, beside the prompt and the answer."""
JUDGE_REPLY = Range(40, 600)

GATE_RECORDS = 16
GATE_LADDER = 6
"""Answers to each record of the gate beside the base model's: gold, empty, another's, truncated, echo, flood."""
GATE_BASE_ANSWERS = 4
GATE_AGAIN = Range(1, 2)
"""How often the gate grades: some calls come twice, to see that equal answers earn the same."""

COMPARED_PROMPTS = 200
"""Of the validation set, at most, where the request says nothing."""
COMPARED_MODELS = Range(2, 3)
"""The base, the candidate and, from the second run of a model on, its live version."""

TRANSITIONS_A_RUN = 20
TRANSITIONS_AN_HOUR = 4
HOURS_A_MONTH = 730
