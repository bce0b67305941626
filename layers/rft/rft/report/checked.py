"""The sections about what came before the training: the dataset, the gate, and what the run would cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rft.report import words
from rft.report.blocks import Block, Cell, Facts, Note, Notes, Paragraph, Section, Table, Tone
from rft.report.material import Material, mapping, part, sequence
from rft.report.texts import line

_MOST_RULES = 30
_LEFT_OUT: tuple[tuple[str, Tone], ...] = (("skipped", "plain"), ("failed", "warn"))
_RUNGS = {
    "gold": "the right answer",
    "empty": "nothing at all",
    "other": "another record\u2019s answer",
    "truncated": "half of the right answer",
    "echo": "the prompt itself",
    "flood": "a pile of its words",
    "base": "the base model\u2019s answers",
}
_SEVERITIES: dict[str, tuple[Tone, str]] = {
    "contract": ("bad", "breaks the contract"),
    "closed": ("bad", "closes the gate"),
    "warning": ("warn", "warning"),
}
_VERDICTS: dict[str, tuple[str, Tone]] = {
    "open": ("open", "good"),
    "warnings": ("open, with warnings", "warn"),
    "closed": ("closed", "bad"),
}


def dataset(material: Material) -> Section | None:
    """What the data were, and by which rules they were found wanting. No text of them."""
    blocks: list[Block] = [used] if (used := _used(material)) else []
    if material.conversion is not None:
        blocks += _logs(material.conversion)
    for side, name in (("training", "Training data"), ("validation", "Validation data")):
        if report := mapping(material.dataset, side):
            blocks += _file(name, report)
    return Section("dataset", "The dataset", blocks) if blocks else None


def _used(material: Material) -> Facts | None:
    held = material.run.dataset or {}
    counts = [
        (name, Cell(words.counted(int(number), "record")))
        for name, key in (("For training", "train_records"), ("Held out", "validation_records"))
        if (number := words.number(held.get(key))) is not None
    ]
    return Facts(counts) if counts else None


def _file(name: str, report: Mapping[str, Any]) -> Iterator[Block]:
    errors, warnings = mapping(report, "error_counts"), mapping(report, "warning_counts")
    valid = report.get("valid") is True
    verdict = Cell("every line is good", "good") if valid and not warnings else Cell(*_wanting(errors, warnings))
    items = [("Check", verdict), ("Source", Cell(line(report.get("source") or words.UNKNOWN, 400), code=True))]
    if version := report.get("version_id"):
        items.append(("Version", Cell(line(version, 100), code=True)))
    items.append(("Records", Cell(words.count(report.get("records")))))
    if tokens := mapping(report, "stats", "prompt_tokens"):
        low, middle, high = (words.count(tokens.get(key)) for key in ("min", "median", "max"))
        items.append(("Tokens of a prompt", Cell(f"{low} to {high}, median {middle} (characters / 4)")))
    if references := mapping(report, "stats", "references"):
        told = ", ".join(f"{line(key, 20)} {words.count(number)}" for key, number in references.items() if number)
        items.append(("Reference answers", Cell(told or "none")))
    yield Facts(items, title=name)
    if rules := _rules(report, errors, warnings):
        yield rules


def _wanting(errors: Mapping[str, Any], warnings: Mapping[str, Any]) -> tuple[str, Tone]:
    faults, doubts = _sum(errors), _sum(warnings)
    told = [words.counted(faults, "error")] if faults else []
    told += [words.counted(doubts, "warning")] if doubts else []
    tone: Tone = "bad" if faults else "warn"
    return " and ".join(told) or "not valid", tone


def _sum(counts: Mapping[str, Any]) -> int:
    return round(sum(words.number(number) or 0 for number in counts.values()))


def _rules(report: Mapping[str, Any], errors: Mapping[str, Any], warnings: Mapping[str, Any]) -> Table | None:
    """Counts by rule, with the fix of its first case; what a problem quotes of the data stays in the file."""
    weights: tuple[tuple[str, Tone, Mapping[str, Any]], ...] = (
        ("error", "bad", errors),
        ("warning", "warn", warnings),
    )
    rows = [
        [
            Cell(line(rule, 40), code=True),
            Cell(kind, tone),
            Cell(words.count(number)),
            *_first(report, f"{kind}s", rule),
        ]
        for kind, tone, counts in weights
        for rule, number in list(counts.items())[:_MOST_RULES]
    ]
    if not rows:
        return None
    return Table(
        "Broken rules, each with its first line and its fix",
        ("Rule", "Weight", "Times", "First line", "Fix"),
        rows,
        numeric=frozenset({2, 3}),
        loose=frozenset({4}),
        wide=True,
    )


def _first(report: Mapping[str, Any], kind: str, rule: str) -> tuple[Cell, Cell]:
    for problem in sequence(report, kind):
        if part(problem, "rule") == rule:
            number = part(problem, "line")
            where = words.count(number) if number is not None else "the file"
            return Cell(where), Cell(line(part(problem, "fix") or "", 300))
    return Cell("\u2013"), Cell("")


def _logs(conversion: Mapping[str, Any]) -> Iterator[Block]:
    items = [
        ("Log objects", Cell(words.count(conversion.get("objects")))),
        ("Log records", Cell(words.count(conversion.get("records")))),
        ("Converted", Cell(words.count(conversion.get("converted")))),
    ]
    yield Facts(items)
    rows = [
        [Cell(line(reason, 60), code=True), Cell(kind, tone), Cell(words.count(number))]
        for kind, tone in _LEFT_OUT
        for reason, number in list(mapping(conversion, kind).items())[:_MOST_RULES]
    ]
    if rows:
        yield Table("Log records that were left out", ("Reason", "How", "Records"), rows, numeric=frozenset({2}))


def gate(material: Material) -> Section | None:
    """What the gate has seen of the grader, before money was spent."""
    document = material.gate
    if document is None:
        return None
    blocks: list[Block] = [_gate_facts(material, document)]
    findings = [found for found in sequence(document, "findings") if isinstance(found, Mapping)]
    if findings:
        blocks.append(Notes([_finding(found) for found in findings]))
    if ladder := _ladder(document):
        blocks.append(ladder)
    return Section("gate", "The gate", blocks)


def _gate_facts(material: Material, document: Mapping[str, Any]) -> Facts:
    verdict = str(document.get("verdict"))
    told, tone = _VERDICTS.get(verdict, (line(verdict, 40), "warn"))
    if verdict == "closed" and material.run.job_arn is not None:
        told += "; \u201cgate\u201d: \u201cwarn\u201d let the run go on"
    items = [
        ("Gate", Cell(told, tone, strong=True)),
        (
            "Grader",
            Cell(
                f"{line(part(document, 'grader', 'name') or words.UNKNOWN, 80)} "
                f"({line(part(document, 'grader', 'kind') or words.UNKNOWN, 20)})"
            ),
        ),
        ("Signal", Cell(_signal(mapping(document, "signal")))),
    ]
    if time := mapping(document, "time"):
        each, step = time.get("seconds_per_sample"), words.number(time.get("step_seconds"))
        told = f"{words.milliseconds((words.number(each) or 0) * 1_000)} a sample"
        items.append(("Grading takes", Cell(told + (f", {words.duration(step)} a training step" if step else ""))))
    sample = words.number(part(document, "sample", "records"))
    if sample is not None:
        items.append(("Tried on", Cell(f"{words.counted(round(sample), 'training record')}")))
    return Facts(items)


def _signal(signal: Mapping[str, Any]) -> str:
    if signal.get("known") is not True:
        return f"unknown: {line(signal.get('reason') or 'no answers', 300)}"
    differing, prompts = words.count(signal.get("differing")), words.count(signal.get("prompts"))
    positive, answers = words.count(signal.get("positive")), words.count(signal.get("answers"))
    return (
        f"the base model\u2019s answers differ in reward for {differing} of {prompts} prompts; {positive} of {answers} "
        f"answers earn more than 0, on average {words.score(signal.get('mean'))}"
    )


def _finding(found: Mapping[str, Any]) -> Note:
    tone, label = _SEVERITIES.get(str(found.get("severity")), ("warn", "finding"))
    return Note(
        tone,
        label,
        line(found.get("code") or "finding", 60),
        line(found.get("message") or "", 800),
        line(found.get("advice") or "", 800),
    )


def _ladder(document: Mapping[str, Any]) -> Table | None:
    rows = []
    for kind, said in _RUNGS.items():
        rung = mapping(document, "ladder", kind)
        mean, errors = words.number(rung.get("mean")), words.number(rung.get("errors"))
        if mean is None and not errors:
            continue
        spread = f"{words.score(rung.get('min'))} to {words.score(rung.get('max'))}" if mean is not None else "\u2013"
        told = words.score(mean) if mean is not None else "\u2013"
        bar = mean if mean is not None and 0 <= mean <= 1 else None
        count = words.count(rung.get("n")) + (f", {words.counted(round(errors), 'error')}" if errors else "")
        rows.append([Cell(said), Cell(told, bar=bar), Cell(spread, "quiet"), Cell(count)])
    if not rows:
        return None
    caption = "What each kind of answer earned: the right one should stand at the top, nothing and tricks at the bottom"
    return Table(caption, ("Answer", "Mean reward", "Lowest to highest", "Graded"), rows, numeric=frozenset({2, 3}))


def cost(material: Material, used: Mapping[str, Any]) -> Section | None:
    """What was estimated, beside what was measured; an unknown price stays unknown."""
    estimate = mapping(material.gate, "cost")
    blocks: list[Block] = []
    rows = [row for item in sequence(estimate, "items") if isinstance(item, Mapping) for row in [_item(item, used)]]
    known = {str(item.get("name")) for item in sequence(estimate, "items") if isinstance(item, Mapping)}
    rows += [_unplanned(name, found) for name, found in mapping(used, "items").items() if name not in known]
    if rows:
        rows.append(_total(estimate, used))
        caption = (
            "Estimated: what the gate worked out before the job. Measured: what the run can count for itself, the time "
            "of its job and the tokens of its comparison; your bill has the rest."
        )
        heads = ("Cost of", "Estimated amount", "Estimated", "Measured amount", "Measured")
        blocks.append(Table(caption, heads, rows, numeric=frozenset({1, 2, 3, 4}), wide=True))
    if unknown := [line(name, 40) for name in sequence(estimate, "unknown")]:
        said = f"No price is known for: {', '.join(unknown)}. The parameter PriceOverrides sets them."
        blocks.append(Paragraph(said, "warn"))
    if serving := estimate.get("serving"):
        blocks.append(Facts([("Serving the model", Cell(line(serving, 300)))]))
    return Section("cost", "Cost, estimated and measured", blocks) if blocks else None


def _item(item: Mapping[str, Any], used: Mapping[str, Any]) -> list[Cell]:
    name, unit = str(item.get("name")), line(item.get("unit") or "", 20)
    monthly = ", a month" if item.get("when") == "month" else ""
    estimated = item.get("usd")
    found = mapping(used, "items", name)
    return [
        Cell(line(name, 60) + monthly),
        Cell(f"{words.amount(item.get('quantity'))} {_units(unit, item.get('quantity'))}"),
        Cell(words.dollar_range(estimated), "plain" if estimated else "warn"),
        *_measured(found),
    ]


def _unplanned(name: str, found: Any) -> list[Cell]:
    return [Cell(line(name, 60)), Cell("\u2013", "quiet"), Cell("\u2013", "quiet"), *_measured(found)]


def _measured(found: Any) -> tuple[Cell, Cell]:
    if not isinstance(found, Mapping) or not found:
        return Cell("not measured", "quiet"), Cell("\u2013", "quiet")
    usd, quantity = found.get("usd"), found.get("quantity")
    exactly = {"low": quantity, "high": quantity}
    told = f"{words.amount(exactly)} {_units(line(found.get('unit') or '', 20), exactly)}"
    return Cell(told), Cell(words.dollars(usd), "plain" if usd is not None else "warn")


def _units(unit: str, quantity: object) -> str:
    """``hours`` of several: some of the prices' units are singular, some are not."""
    return f"{unit}s" if unit and not unit.endswith("s") and words.number(part(quantity, "high")) != 1 else unit


def _total(estimate: Mapping[str, Any], used: Mapping[str, Any]) -> list[Cell]:
    told = words.dollar_range(part(estimate, "usd", "run"))
    more = " + unknown" if sequence(estimate, "unknown") else ""
    measured = words.number(part(used, "usd"))
    return [
        Cell("The run, as far as prices are known", strong=True),
        Cell(""),
        Cell(told + more if told != words.UNKNOWN else told, strong=True),
        Cell(""),
        Cell(words.dollars(measured) if measured is not None else "\u2013", strong=True),
    ]
