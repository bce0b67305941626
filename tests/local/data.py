"""Records and settings that several of these tests train with."""

from __future__ import annotations

from typing import Any

JUDGE = "openai.gpt-oss-120b-1:0"
COLOURS = ("red", "green", "blue", "black", "white")
ANY_GAIN = {"min_gain": -1.0}
"""For runs that prove the way: their trainings are too short for a gain that could be shown."""
SHORT = {"epoch_count": 1, "batch_size": 64, "training_sample_per_prompt": 2, "inference_max_tokens": 16}


def colours(first: int = 0, count: int = 150) -> list[dict[str, Any]]:
    """Things and their colours: records that every grader of the stack but one can work with.

    Judges that have seen some of them before ask nothing: where it matters, begin with another ``first``.
    """
    return [
        {
            "messages": [{"role": "user", "content": f"Thing {n} is {COLOURS[n % 5]}. What colour has thing {n}?"}],
            "reference_answer": f"It is {COLOURS[n % 5]}",
            "context": [f"Thing {n} is {COLOURS[n % 5]}."],
            "instructions": ["Name the colour.", "Use one short sentence."],
        }
        for n in range(first, first + count)
    ]
