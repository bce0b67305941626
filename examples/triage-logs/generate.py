"""Writes logs/: invocation logs as Bedrock writes them, of a support desk that has a large model sort its tickets.

There are records of every kind that a log bucket holds: of Converse and InvokeModel, at once and streamed, in the
native form of seven families of models; large bodies in objects of their own; tools; images, embeddings, errors and
another application's calls, which are no training data; and damage. A ledger says what is to become of each of them.
The same options give the same records; the tickets are made as those of ../ticket-triage are.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from families import FAMILIES, Asked, Record

HERE = Path(__file__).parent
ROOT = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1"
ORIGIN = "s3://example-invocation-logs/"  # where the paths of large bodies lead; copied, they lie beside their log
METADATA = {"project": "triage", "stage": "production"}
FILTER = {"project": "triage"}
FIRST_HOUR = 6
OBJECTS_AN_HOUR = 20


@dataclass
class Ledger:
    """What a conversion has to come to: ``metadata_equals`` FILTER, ``use_prompt_response``, ``redact`` e-mail."""

    objects: Counter[str] = field(default_factory=Counter)
    records: int = 0
    converted: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    prompts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By request id: the messages that the model is to be trained on."""
    answers: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "objects": dict(sorted(self.objects.items())),
            "records": self.records,
            "converted": self.converted,
            "skipped": dict(sorted(self.skipped.items())),
            "failed": dict(sorted(self.failed.items())),
        }

    def keep(self, request_id: str, messages: list[dict[str, Any]], answer: str) -> None:
        self.records += 1
        self.converted += 1
        self.prompts[request_id] = messages
        self.answers[request_id] = answer

    def skip(self, reason: str) -> None:
        self.records += 1
        self.skipped[reason] += 1

    def fail(self, reason: str) -> None:
        self.records += 1
        self.failed[reason] += 1


class LogWriter:
    """Makes the objects of a log bucket, by key, and the ledger of what is in them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.objects: dict[str, bytes] = {}
        self.ledger = Ledger()
        self._minute = 0

    def write(self, tickets: list[dict[str, Any]], *, objects: int, damaged: int) -> None:
        """``objects`` log objects, of which ``damaged`` can't be read whole, and what lies beside logs."""
        places = sorted(self._random.sample(range(objects), damaged))
        asked = [self._asked(number, ticket) for number, ticket in enumerate(tickets)]
        share = -(-len(asked) // objects)
        extras = self._extras(asked)
        for number in range(objects):
            mine = asked[number * share : (number + 1) * share]
            lines = [self._call(one, number * share + place) for place, one in enumerate(mine)]
            if number in places:
                self._put_damaged(number, lines, places.index(number))
            else:
                self._put(number, [*lines, next(extras)(number)])
        self._put_what_is_no_log()

    def _asked(self, number: int, ticket: dict[str, Any]) -> Asked:
        system, user = (message["content"] for message in ticket["messages"])
        if number % 9 == 4:
            user += f" You reach me at customer{number}@example.com."
        return Asked(system, user, json.dumps(ticket["reference_answer"]))

    def _record(self, body: Record, **changes: Any) -> dict[str, Any]:
        """The envelope around the bodies of one call."""
        self._minute += 1
        hour, minute = divmod(self._minute, 60)
        record = {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": f"2026-01-{5 + hour // 24:02}T{hour % 24:02}:{minute:02}:00Z",
            "accountId": "123456789012",
            "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/support-desk/sorter"},
            "region": "us-east-1",
            "requestId": f"{self._random.getrandbits(128):032x}",
            "operation": body.operation,
            "modelId": body.model,
            "requestMetadata": METADATA,
            "input": {"inputContentType": "application/json", "inputBodyJson": body.input, "inputTokenCount": 300},
            "output": {"outputContentType": "application/json", "outputBodyJson": body.output, "outputTokenCount": 14},
        }
        return record | changes

    # -- calls that train ---------------------------------------------------------------------------------------

    def _call(self, asked: Asked, number: int) -> dict[str, Any]:
        family = FAMILIES[number % len(FAMILIES)]
        record = self._record(family(asked))
        self.ledger.keep(record["requestId"], asked.redacted().messages_of(family), asked.answer)
        return record

    def _offloaded(self, asked: Asked, number: int) -> dict[str, Any]:
        """A call whose prompt was too large for the record; Bedrock stores it as an object of its own."""
        large = Asked(asked.system + "\n" + "The rules of the desk, once more. " * 120, asked.user, asked.answer)
        record = self._record(FAMILIES[0](large))
        self.ledger.keep(record["requestId"], large.redacted().messages_of(FAMILIES[0]), large.answer)
        self._offload(record, number, gzip.compress(json.dumps(record["input"]["inputBodyJson"]).encode(), mtime=0))
        return record

    def _offload(self, record: dict[str, Any], number: int, data: bytes | None) -> None:
        key = f"{_folder(number)}/data/{record['requestId']}_input.json.gz"
        if data is not None:
            self.objects[key] = data
            self.ledger.objects["body"] += 1
        record["input"] = {"inputContentType": "application/json", "inputBodyS3Path": ORIGIN + key}

    # -- calls that don't ---------------------------------------------------------------------------------------

    def _extras(self, asked: list[Asked]) -> Iterator[Any]:
        """For each sound object one record of another kind, in turn."""
        kinds = (
            self._offloaded_one,
            self._of_another_application,
            self._that_failed,
            self._with_an_image,
            self._embedding,
            self._prefilled,
            self._asked_again,
            self._cut_short,
            self._that_calls_a_tool,
            self._no_json,
            self._no_record,
            self._without_its_body,
            self._with_a_damaged_body,
            self._of_an_unknown_form,
        )
        self._source = asked
        turn = 0
        while True:
            yield kinds[turn % len(kinds)]
            turn += 1

    def _some(self) -> Asked:
        """A prompt that no other record has."""
        one = self._random.choice(self._source)
        return Asked(one.system, f"{one.user} (case {self._random.getrandbits(64):016x})", one.answer)

    def _offloaded_one(self, number: int) -> dict[str, Any]:
        return self._offloaded(self._some(), number)

    def _of_another_application(self, _: int) -> dict[str, Any]:
        self.ledger.skip("filtered")
        return self._record(FAMILIES[1](self._some()), requestMetadata={"project": "reporting"})

    def _that_failed(self, _: int) -> dict[str, Any]:
        self.ledger.skip("error")
        record = self._record(FAMILIES[0](self._some()), errorCode="ThrottlingException")
        del record["output"]
        return record

    def _with_an_image(self, _: int) -> dict[str, Any]:
        self.ledger.skip("not-text")
        record = self._record(FAMILIES[0](self._some()))
        image = {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
        record["input"]["inputBodyJson"]["messages"][0]["content"].append(image)
        return record

    def _embedding(self, _: int) -> dict[str, Any]:
        self.ledger.skip("not-a-conversation")
        given = {"inputText": self._some().user, "dimensions": 256, "normalize": True}
        answer = {"embedding": [0.125, -0.5], "inputTextTokenCount": 40}
        return self._record(Record("InvokeModel", "amazon.titan-embed-text-v2:0", given, answer))

    def _prefilled(self, _: int) -> dict[str, Any]:
        self.ledger.skip("ends-with-answer")
        record = self._record(FAMILIES[0](self._some()))
        begun = {"role": "assistant", "content": [{"text": "{"}]}
        record["input"]["inputBodyJson"]["messages"].append(begun)
        return record

    def _asked_again(self, _: int) -> dict[str, Any]:
        """A prompt that came before, in the same words; the first one counts."""
        self.ledger.skip("duplicate")
        return self._record(FAMILIES[0](self._source[0]))

    def _cut_short(self, _: int) -> dict[str, Any]:
        self.ledger.skip("incomplete-answer")
        record = self._record(FAMILIES[0](self._some()))
        record["output"]["outputBodyJson"]["stopReason"] = "max_tokens"
        return record

    def _that_calls_a_tool(self, _: int) -> dict[str, Any]:
        self.ledger.skip("no-answer")
        record = self._record(FAMILIES[0](self._some()))
        call = {"toolUse": {"toolUseId": "t-1", "name": "orders", "input": {"customer": 7}}}
        body = {"output": {"message": {"role": "assistant", "content": [call]}}, "stopReason": "tool_use"}
        record["output"]["outputBodyJson"] = body
        return record

    def _no_json(self, _: int) -> bytes:
        self.ledger.fail("invalid-json")
        return json.dumps(self._record(FAMILIES[0](self._some()))).encode()[:-200]

    def _no_record(self, _: int) -> dict[str, Any]:
        self.ledger.fail("not-a-log-record")
        return {"eventVersion": "1.08", "eventSource": "bedrock.amazonaws.com", "eventName": "Converse"}

    def _without_its_body(self, number: int) -> dict[str, Any]:
        self.ledger.fail("body-missing")
        record = self._record(FAMILIES[0](self._some()))
        self._offload(record, number, None)
        return record

    def _with_a_damaged_body(self, number: int) -> dict[str, Any]:
        self.ledger.fail("body-damaged")
        record = self._record(FAMILIES[0](self._some()))
        self._offload(record, number, gzip.compress(json.dumps(self._some().user).encode(), mtime=0)[:30])
        return record

    def _of_an_unknown_form(self, _: int) -> dict[str, Any]:
        self.ledger.fail("unknown-body")
        return self._record(Record("InvokeModel", "imported.model-1", {"conversation": {"turns": []}}, {}))

    # -- objects ------------------------------------------------------------------------------------------------

    def _put(self, number: int, records: list[dict[str, Any] | bytes]) -> None:
        self._put_bytes(number, gzip.compress(_lines(records), mtime=0))

    def _put_bytes(self, number: int, data: bytes) -> None:
        self.objects[f"{_folder(number)}/20260105T{number:09}Z_{number:016x}.json.gz"] = data
        self.ledger.objects["log"] += 1

    def _put_damaged(self, number: int, records: list[dict[str, Any]], kind: int) -> None:
        """What comes before the damage is read; the object counts as one more record, which failed."""
        self.ledger.fail("damaged-gzip" if kind % 3 != 2 else "invalid-json")
        sound = gzip.compress(_lines(list(records)), mtime=0)
        match kind % 3:
            case 0:  # cut off in the middle of a second part
                data = sound + gzip.compress(b"x" * 1000, mtime=0)[:14]
            case 1:  # written over behind the first part
                data = sound + b"\x1f\x8b" + self._random.randbytes(200).replace(b"\0", b"\1")
            case _:  # no gzip at all, in one line behind the records
                data = _lines(list(records)) + self._random.randbytes(300).replace(b"\n", b"\r")
        self._put_bytes(number, data)

    def _put_what_is_no_log(self) -> None:
        folder = _folder(0)
        self.objects["AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check"] = b"ok"
        self.objects[f"{folder}/20260105T000000000Z_empty.json.gz"] = b""
        self.objects["AWSLogs/123456789012/notes.txt"] = b"Moved here by hand."
        self.ledger.objects.update({"permission-check": 1, "empty": 1, "other": 1})


def _folder(number: int) -> str:
    hour = FIRST_HOUR + number // OBJECTS_AN_HOUR
    return f"{ROOT}/2026/01/{5 + hour // 24:02}/{hour % 24:02}"


def _lines(records: list[dict[str, Any] | bytes]) -> bytes:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    return b"".join(line + b"\n" for line in lines)


def tickets(count: int, seed: int) -> list[dict[str, Any]]:
    """Tickets with the category and the priority they deserve, as the larger model gave them."""
    specification = importlib.util.spec_from_file_location("tickets", HERE.parent / "ticket-triage" / "generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    phrases = json.loads((HERE.parent / "ticket-triage" / "phrases.json").read_text("utf-8"))
    found: list[dict[str, Any]] = module.TicketWriter(phrases, seed).records("logs", count, unseen=0.0)
    return found


def make_logs(*, objects: int, damaged: int, prompts: int = 480, seed: int = 21) -> LogWriter:
    """The log objects by key, and their ledger."""
    if not 0 <= damaged <= objects or objects < 1:
        raise ValueError("there must be an object at least, and no more damaged ones than objects")
    writer = LogWriter(seed)
    writer.write(tickets(prompts, seed), objects=objects, damaged=damaged)
    return writer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=44, help="log objects")
    parser.add_argument("--damaged", type=int, default=4, help="how many of them can't be read whole")
    parser.add_argument("--prompts", type=int, default=480, help="calls that become training prompts")
    parser.add_argument("--seed", type=int, default=21)
    parser.add_argument("--out", type=Path, default=HERE / "logs", help="the folder to write to")
    arguments = parser.parse_args()
    made = make_logs(
        objects=arguments.objects, damaged=arguments.damaged, prompts=arguments.prompts, seed=arguments.seed
    )
    for key, data in made.objects.items():
        path = arguments.out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(json.dumps(made.ledger.to_json(), indent=2))


if __name__ == "__main__":
    main()
