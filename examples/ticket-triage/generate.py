"""Writes train.jsonl and validation.jsonl, customer-support tickets with the category and the priority they deserve.

Tickets are put together from the sentences in phrases.json. Those marked "unseen" occur in the validation set only, so
that it measures more than memory. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TRAINING_TICKETS = 480
VALIDATION_TICKETS = 100

PRIORITY_WEIGHTS = {
    "billing": {"high": 3, "normal": 4, "low": 3},
    "access": {"high": 4, "normal": 4, "low": 2},
    "fault": {"high": 4, "normal": 4, "low": 2},
    "delivery": {"high": 3, "normal": 4, "low": 3},
    "how_to": {"high": 2, "normal": 4, "low": 4},
    "feature_request": {"high": 1, "normal": 4, "low": 5},
}
"""How often a ticket of a category is how pressing."""

INSTRUCTIONS = """\
You sort the tickets that customers write to the support desk of Fernway, a maker of tills and shop software.
Answer with one JSON object and nothing else, for example {"category": "billing", "priority": "low"}.
category is one of: billing (invoices, payments, refunds), access (logins, passwords, permissions), fault (something \
is broken or behaves wrongly), delivery (orders, parcels, returns), how_to (questions about use), feature_request \
(ideas and wishes).
priority is one of: high (work has stopped, or money, data or a deadline within a day is at stake), normal (work is \
hampered, or an answer is needed within days), low (no hurry)."""


class TicketWriter:
    """Writes tickets from the phrases, with one stream of random choices."""

    def __init__(self, phrases: dict[str, Any], seed: int) -> None:
        self._phrases = phrases
        self._random = random.Random(seed)

    def records(self, name: str, count: int, *, unseen: float) -> list[dict[str, Any]]:
        """`count` records whose prompts all differ; a phrase is an unseen one with the probability `unseen`."""
        categories = list(self._phrases["categories"])
        tickets: dict[str, dict[str, str]] = {}
        while len(tickets) < count:
            category = categories[len(tickets) % len(categories)]
            weights = PRIORITY_WEIGHTS[category]
            priority = self._random.choices(list(weights), list(weights.values()))[0]
            tickets.setdefault(self._ticket(category, priority, unseen), {"category": category, "priority": priority})
        shuffled = self._random.sample(list(tickets.items()), count)
        return [
            {
                "id": f"ticket-{name}-{number:04}",
                "messages": [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": ticket}],
                "reference_answer": reference,
            }
            for number, (ticket, reference) in enumerate(shuffled, start=1)
        ]

    def _ticket(self, category: str, priority: str, unseen: float) -> str:
        issue = self._choose(self._phrases["categories"][category], unseen)
        impact = self._choose(self._phrases["priorities"][priority], unseen)
        circumstances = self._random.sample(self._phrases["circumstances"], self._random.choice([0, 1, 1, 2]))
        body = [issue, *circumstances, impact]
        if self._random.random() < 0.25:
            body = [impact, issue, *circumstances]
        if self._random.random() < 0.7:
            body = [self._random.choice(self._phrases["openings"]), *body]
        if self._random.random() < 0.6:
            body = [*body, self._random.choice(self._phrases["closings"])]
        return self._filled(" ".join(body))

    def _choose(self, phrases: dict[str, list[str]], unseen: float) -> str:
        return self._random.choice(phrases["unseen" if self._random.random() < unseen else "seen"])

    def _filled(self, text: str) -> str:
        words = self._phrases["words"]
        chosen = {kind: self._random.choice(choices) for kind, choices in words.items()}
        name, colleague = self._random.sample(words["name"], 2)
        product, other_product = self._random.sample(words["product"], 2)
        filled = text.format(
            **chosen | {"name": name, "colleague": colleague, "product": product, "other_product": other_product}
        )
        return filled[0].upper() + filled[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write to")
    arguments = parser.parse_args()
    writer = TicketWriter(json.loads((HERE / "phrases.json").read_text("utf-8")), arguments.seed)
    write(arguments.output / "train.jsonl", writer.records("train", TRAINING_TICKETS, unseen=0.0))
    write(arguments.output / "validation.jsonl", writer.records("validation", VALIDATION_TICKETS, unseen=0.3))


def write(path: Path, records: list[dict[str, Any]]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    path.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
