"""Math reasoning: does a worked solution end in the right number?"""

from __future__ import annotations

from rft.grading.final_answer import final_answer, reference_quantity
from rft.grading.score import Score


def score_final_number(answer: str, reference: object) -> Score:
    """1 if the answer's final number equals the reference's, exactly and in the unit if both state one; else 0.

    Components: the reward ``correct``, and the metric ``answer_format``, 1 where a marker (``####``, ``\\boxed``, "the
    answer is") named the final number. Raises BadSample for a reference without a number.
    """
    expected = reference_quantity(reference)
    found = final_answer(answer)
    correct = float(found.quantity is not None and found.quantity.equals(expected))
    return Score(correct, rewards={"correct": correct}, metrics={"answer_format": float(found.marked)})
