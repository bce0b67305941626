"""The grader to copy: how like the reference answer is an answer?

The same text earns 1. Another earns up to half, by the words that both have, and nothing where it's far too long.
"""

from rft.grading import Sample, Score, grader
from rft.grading.expected_text import expected_text
from rft.grading.rules.matching import normalised_match
from rft.grading.rules.similarity import token_f1


def score(sample: Sample) -> Score:
    expected = expected_text(sample.reference)  # where there is none: an error, which is no score
    same = normalised_match(sample.answer.rstrip(" .\n"), expected.rstrip(" .\n"))
    blank = token_f1("", expected)  # of "A" or "!" it leaves no word: then any answer without one would be like it
    like = same or (0.0 if blank else token_f1(sample.answer, expected))
    short = len(sample.answer) <= 4 * len(expected) + 200
    # Change this line to what you want to see more of: 0 to 1, and any wrong answer well below the right one.
    value = max(same, 0.5 * like * short)
    return Score(value, rewards={"same": same, "like": like})


handler = grader(score, name="generic")
