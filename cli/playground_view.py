"""Answers side by side: what each version said, what it got for it, and where it says something else than the first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.differences import Span, differing_spans
from cli.playground import Compared, Prompt
from cli.records import Answer, Answered
from cli.view import duration, excerpt, one_line, plain

_NARROWEST = 36  # columns that an answer needs beside another
_WIDEST = 160
_PROMPT = 200
# Underlined as well: seen without colours too.
_ONLY_FIRST, _ONLY_OTHER = "underline red", "underline green"


def playground_report(compared: Compared) -> RenderableType:
    parts: list[RenderableType] = []
    for number, (prompt, answered) in enumerate(zip(compared.prompts, compared.answered, strict=True), start=1):
        parts += [*_question(number, len(compared.prompts), prompt), _Answers(compared, answered), ""]
    return Group(*parts, _versions(compared))


def _question(number: int, of: int, prompt: Prompt) -> Iterator[RenderableType]:
    heading = f"prompt {number} of {of}" if of > 1 else "prompt"
    yield Text.assemble((f"{heading}  ", "dim"), (excerpt(prompt.text, _PROMPT), "bold"))
    if prompt.reference is not None:
        shown = prompt.reference if isinstance(prompt.reference, str) else json.dumps(prompt.reference)
        yield Text.assemble(("reference  ", "dim"), excerpt(shown, _PROMPT))
    yield ""


class _Answers:
    """In columns where there is room on a terminal for all of them, else below each other."""

    def __init__(self, compared: Compared, answered: Answered) -> None:
        self._compared = compared
        self._answers = answered["answers"]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        versions = [version for version in self._compared.versions if version in self._answers]
        answers = [self._answers[version] for version in versions]
        width = min(options.max_width, _WIDEST)
        if not console.is_terminal or width < _NARROWEST * len(versions):
            for version, answer, text in zip(versions, answers, _marked(answers), strict=True):
                yield Group(_name(version), _facts(answer), Padding(text, (0, 0, 1, 2), expand=False))
            return
        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), width=width, show_header=False)
        for _ in versions:
            table.add_column(ratio=1, overflow="fold")
        table.add_row(*map(_name, versions))
        table.add_row(*map(_facts, answers))
        table.add_row(*_marked(answers))
        yield table


def _name(version: str) -> Text:
    return Text(plain(version), style="bold cyan")


def _facts(answer: Answer) -> Text:
    if "error" in answer:
        return Text("no answer", style="dim")
    reward = answer["reward"]
    tokens = f"{answer['input_tokens']:,} + {answer['output_tokens']:,} tokens"
    took = f"  {duration(answer['milliseconds'] / 1_000)}, {tokens}"
    if reward is None:
        return Text.assemble(f"not graded ({plain(answer.get('grader_error', 'no reason is given'))})", (took, "dim"))
    parts = ", ".join(f"{plain(name)} {value:.2f}" for name, value in answer.get("components", {}).items())
    return Text.assemble((f"reward {reward:.2f}", "bold"), f" ({parts})" if parts else "", (took, "dim"))


def _marked(answers: Sequence[Answer]) -> Iterator[Text]:
    """The texts: what the others lack in the first one, and what the first one lacks in the others."""
    texts = [plain(answer.get("text", "")) for answer in answers]
    differences = [differing_spans(texts[0], text) for text in texts[1:]]
    for place, (answer, text) in enumerate(zip(answers, texts, strict=True)):
        if "error" in answer:
            yield Text(
                plain(f"{answer['error']}: {answer['detail']}" if "detail" in answer else answer["error"]), "red"
            )
        elif not text:
            yield Text("an empty answer", style="dim italic")
        elif place:
            yield _with(text, differences[place - 1][1], _ONLY_OTHER)
        else:
            # With more than two, what any of them lacks would be nearly all.
            yield _with(text, differences[0][0] if len(differences) == 1 else [], _ONLY_FIRST)


def _with(text: str, spans: Sequence[Span], style: str) -> Text:
    words = Text(text)
    for start, end in spans:
        words.stylize(style, start, end)
    return words


def _versions(compared: Compared) -> RenderableType:
    """Which models answered."""
    width = max((len(version) for version in compared.versions), default=0)
    lines = []
    for version, asked in compared.versions.items():
        made_by = f"  by {asked['run_id']}" if asked["run_id"] not in (None, version) else ""
        lines.append(one_line(f"{version:<{width}}  {asked['model_id']}{made_by}", style="dim"))
    how = compared.settings
    if how:
        warm = how.get("temperature")
        at = "their own temperature" if warm is None else f"temperature {warm:g}"
        most = f", at most {how['max_tokens']:,} tokens" if how.get("max_tokens") else ""
        lines.append(one_line(f"asked at {at}{most}", style="dim"))
    if compared.grader is not None:
        lines.append(one_line(f"graded by {compared.grader.get('arn')}", style="dim"))
    return Group(*lines)
