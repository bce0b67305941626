"""Writes train.jsonl and validation.jsonl, grade-school word problems with the number that solves them.

No answer is frequent: at most MOST_OF_ONE_ANSWER training problems share one, and no two validation problems do. So a
model that cannot calculate gains nothing by guessing. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TRAINING_PROBLEMS = 320
VALIDATION_PROBLEMS = 80
MOST_OF_ONE_ANSWER = 3

INSTRUCTIONS = "Solve the problem. Write down your reasoning, and end with #### and the number, for example: #### 42"

NAMES = ("Amara", "Jonas", "Priya", "Tom", "Ines", "Mateusz", "Chloe", "Farid", "Sanne", "Luca", "Mei", "Oskar")
THINGS = ("marbles", "stickers", "shells", "stamps", "beads", "postcards", "buttons", "pencils", "chestnuts", "badges")
PLACES = ("library", "bakery", "museum", "harbour", "orchard", "school", "theatre", "farm", "swimming pool", "market")

type Problem = tuple[str, int]
"""The text and its answer."""


def collection(rng: random.Random) -> Problem:
    first, second = rng.sample(NAMES, 2)
    thing, owned, given, times = rng.choice(THINGS), rng.randint(40, 400), rng.randint(5, 39), rng.randint(2, 6)
    return (
        f"{first} has {owned} {thing} and gives {given} of them to {second}. Then an uncle brings {first} {times} bags "
        f"with {given + 3} {thing} each. How many {thing} does {first} have now?",
        owned - given + times * (given + 3),
    )


def shopping(rng: random.Random) -> Problem:
    name, place = rng.choice(NAMES), rng.choice(PLACES)
    price, count, extra = rng.randint(3, 48), rng.randint(3, 24), rng.randint(2, 60)
    return (
        f"At the {place} {name} buys {count} tickets for {price} euros each and a poster for {extra} euros. "
        f"How many euros does {name} spend?",
        price * count + extra,
    )


def change(rng: random.Random) -> Problem:
    name, price, count = rng.choice(NAMES), rng.randint(4, 30), rng.randint(3, 12)
    paid = price * count + rng.randint(7, 700)
    return (
        f"{name} pays for {count} jars of honey at {price} euros a jar with vouchers worth {paid} euros. "
        f"How much is left on the vouchers?",
        paid - price * count,
    )


def rows_of_seats(rng: random.Random) -> Problem:
    rows, seats = rng.randint(8, 40), rng.randint(9, 30)
    empty = rng.randint(5, rows * seats // 2)
    return (
        f"A {rng.choice(PLACES)} has set up {rows} rows of {seats} chairs for a concert. {empty} chairs stay empty. "
        f"How many people are sitting?",
        rows * seats - empty,
    )


def journey(rng: random.Random) -> Problem:
    name, speed, hours, rest = rng.choice(NAMES), rng.randint(35, 110), rng.randint(2, 8), rng.randint(12, 95)
    return (
        f"{name} drives for {hours} hours at {speed} kilometres an hour. After a break there are "
        f"{rest} kilometres to go. How long is the whole way in kilometres?",
        speed * hours + rest,
    )


def sharing(rng: random.Random) -> Problem:
    children, each, left = rng.randint(3, 18), rng.randint(12, 160), rng.randint(1, 2)
    thing = rng.choice(THINGS)
    return (
        f"{children * each + left} {thing} are shared evenly among {children} children, and {left} cannot be shared. "
        f"How many {thing} does each child get?",
        each,
    )


def savings(rng: random.Random) -> Problem:
    name, start, weekly, weeks = rng.choice(NAMES), rng.randint(10, 200), rng.randint(4, 25), rng.randint(5, 40)
    return (
        f"{name} has saved {start} euros and puts aside {weekly} euros every week. How many euros will there be after "
        f"{weeks} weeks?",
        start + weekly * weeks,
    )


def baking(rng: random.Random) -> Problem:
    trays, rolls, burnt, sold = rng.randint(6, 30), rng.randint(12, 48), rng.randint(3, 11), rng.randint(20, 60)
    return (
        f"A baker fills {trays} trays with {rolls} rolls each. {burnt} rolls burn and {sold} are sold before eight "
        f"o'clock. How many good rolls are left?",
        trays * rolls - burnt - sold,
    )


def reading(rng: random.Random) -> Problem:
    name, pages, days = rng.choice(NAMES), rng.randint(11, 47), rng.randint(4, 14)
    left = rng.randint(20, 300)
    return (
        f"{name} reads {pages} pages a day for {days} days and then has {left} pages left. "
        f"How many pages does the book have?",
        pages * days + left,
    )


def orchard(rng: random.Random) -> Problem:
    rows, trees, kilos = rng.randint(3, 12), rng.randint(4, 15), rng.randint(5, 16)
    return (
        f"An orchard has {rows} rows of {trees} apple trees, and each tree bears {kilos} kilograms. "
        f"How many kilograms are picked?",
        rows * trees * kilos,
    )


def difference(rng: random.Random) -> Problem:
    first, second = rng.sample(NAMES, 2)
    less, more, days = rng.randint(120, 400), rng.randint(15, 140), rng.randint(2, 4)
    return (
        f"{first} folds {less} paper cranes, {second} folds {more} more than {first}. Together they lose {days} of "
        f"them. How many cranes are left?",
        2 * less + more - days,
    )


def half_and_double(rng: random.Random) -> Problem:
    name, half, added = rng.choice(NAMES), rng.randint(30, 480), rng.randint(11, 190)
    thing = rng.choice(THINGS)
    return (
        f"Half of the {2 * half} {thing} in {name}'s box are red. {name} throws out all red ones and puts in {added} "
        f"green ones. How many {thing} are in the box?",
        half + added,
    )


FAMILIES: tuple[Callable[[random.Random], Problem], ...] = (
    collection,
    shopping,
    change,
    rows_of_seats,
    journey,
    sharing,
    savings,
    baking,
    reading,
    orchard,
    difference,
    half_and_double,
)


def records(name: str, count: int, most_of_one: int, rng: random.Random, prompts: set[str]) -> list[dict[str, Any]]:
    """`count` records, of which at most `most_of_one` share an answer; their prompts are new, and join `prompts`."""
    problems: list[Problem] = []
    answers: Counter[int] = Counter()
    while len(problems) < count:
        text, answer = FAMILIES[len(problems) % len(FAMILIES)](rng)
        if text not in prompts and answers[answer] < most_of_one:
            prompts.add(text)
            answers[answer] += 1
            problems.append((text, answer))
    return [
        {
            "id": f"sum-{name}-{number:04}",
            "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": text}],
            "reference_answer": f"#### {answer}",
        }
        for number, (text, answer) in enumerate(rng.sample(problems, count), start=1)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write to")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    prompts: set[str] = set()
    training = records("train", TRAINING_PROBLEMS, MOST_OF_ONE_ANSWER, rng, prompts)
    write(arguments.output / "train.jsonl", training)
    write(arguments.output / "validation.jsonl", records("validation", VALIDATION_PROBLEMS, 1, rng, prompts))


def write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
