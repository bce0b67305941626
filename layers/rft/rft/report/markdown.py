"""``report.md``: the report for a pull request. It may leave the bucket, so it has no prompt and no answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rft.report import words
from rft.report.blocks import Block, Cell, Facts, Notes, Paragraph, Section, Table, Tally
from rft.report.page import STAND_IN, Gain, Report
from rft.report.texts import plain

MOST = 60_000
"""Characters. GitHub takes 65,536 in a comment."""
_SECTIONS = ("look", "models", "answers", "gate", "dataset", "cost", "lineage", "absent")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-!|~&$^])")
_LINKED = re.compile(r"(?i)(?<=[a-z])://")
_WWW = re.compile(r"(?i)\bwww\.")
_SIGNS = {"good": "🟢", "bad": "🔴", "warn": "🟠", "plain": "⚪", "quiet": "⚪"}


def markdown(report: Report) -> str:
    run, told = report.material.run, report.headline
    lines = [
        f"## {_SIGNS[told.tone]} {escaped(run.model)}: {escaped(told.word.lower())}",
        "",
        f"**{escaped(told.sentence)}**",
        "",
    ]
    if report.material.is_stand_in:
        lines += [f"> **Not a Bedrock model.** {escaped(STAND_IN)}", ""]
    if report.gain is not None:
        lines += [*_gain(report.gain), ""]
    lines += [f"- {escaped(step)}" for step in told.then]
    lines += ["", f"Run {_code(run.run_id)}, {escaped(words.when(run.created_at))}", ""]
    wanted = {section.id: section for section in report.sections}
    length = sum(map(len, lines)) + len(lines)
    for name in _SECTIONS:
        section = wanted.get(name)
        text = "\n".join(_section(section)) if section is not None else ""
        if not text or length + len(text) > MOST:
            continue
        lines.append(text)
        length += len(text) + 1
    return "\n".join(lines).rstrip("\n") + "\n"


def _gain(gain: Gain) -> Iterator[str]:
    yield f"| {' | '.join(['mean reward', *(escaped(mean.name.lower()) for mean in gain.means)])} | gain | interval |"
    yield f"|---|{'---:|' * (len(gain.means) + 2)}"
    means = " | ".join(escaped(mean.value) for mean in gain.means)
    told = f"**{escaped(gain.mean)}** | {escaped(gain.interval)} at {escaped(gain.confidence)}"
    yield (
        f"| over {escaped(gain.against)} | {means} | {told} |"
        if gain.means
        else f"| over {escaped(gain.against)} | {told} |"
    )


def _section(section: Section) -> Iterator[str]:
    blocks = [text for block in section.blocks if (text := "\n".join(_block(block)))]
    if not blocks:
        return
    yield f"<details><summary>{escaped(section.title)}</summary>"
    yield ""
    for text in blocks:
        yield text
        yield ""
    yield "</details>"
    yield ""


def _block(block: Block) -> Iterator[str]:
    """Nothing of pictures and answers: the former need the page, the latter stay in the bucket."""
    match block:
        case Table():
            yield from _table(block)
        case Facts():
            yield from (f"- {escaped(name)}: {_cell(cell)}" for name, cell in block.items)
        case Paragraph():
            yield escaped(block.text)
        case Notes():
            for note in block.items:
                yield f"- {_SIGNS[note.tone]} **{escaped(note.title)}** ({escaped(note.label)}): {escaped(note.text)}"
                if note.advice:
                    yield f"  {escaped(note.advice)}"
        case Tally():
            told = ", ".join(
                f"{number:,} {name} ({words.share(number, block.total)})" for name, number, _ in block.parts
            )
            yield escaped(f"{block.caption}: {told}")


def _table(table: Table) -> Iterator[str]:
    yield escaped(table.caption)
    yield ""
    yield f"| {' | '.join(map(escaped, table.heads))} |"
    yield "|" + "|".join("---:" if place in table.numeric else "---" for place in range(len(table.heads))) + "|"
    for row in table.rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(cell: Cell) -> str:
    if not cell.text:
        return ""
    told = _code(cell.text) if cell.code else escaped(cell.text)
    return f"**{told}**" if cell.strong else told


def escaped(text: str) -> str:
    """Words that Markdown and HTML leave alone: no markup, no link, no mention of anybody."""
    told = _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))
    told = _WWW.sub("www&#46;", _LINKED.sub("&#58;//", told))
    return told.replace("@", "@\u200b")


def _code(text: str) -> str:
    """A code span, which no text ends: in one backslashes are plain, so what would end it is replaced."""
    told = " ".join(plain(text).split()).replace("`", "\u02cb").replace("|", "\u2223")
    return f"`{told}`"
