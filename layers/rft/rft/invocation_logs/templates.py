"""Prompts that are one text in a model's own template, taken apart into the turns they hold.

Formats as the models' makers publish them: Meta Llama 2, 3 and 4, Mistral instruct, ChatML (Qwen), DeepSeek,
Anthropic's text completions, Amazon Titan. A text without a template's marks is one message of the user.
"""

from __future__ import annotations

import re
from typing import Any

from rft.invocation_logs.counting import Skipped

Turns = list[dict[str, Any]]

_LLAMA = re.compile(
    r"<\|start_header_id\|>(\w{1,20})<\|end_header_id\|>|<\|header_start\|>(\w{1,20})<\|header_end\|>"
    r"|<\|im_start\|>(\w{1,20})\n"
)
_ENDS_OF_TURNS = ("<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|im_end|>", "<|end_of_text|>")
_DEEPSEEK = re.compile("<[|｜](User|Assistant)[|｜]>")
_HUMAN = re.compile(r"(?:\A|\n)\s*(Human|Assistant):")
_TITAN = re.compile(r"(?:\A|\n)\s*(User|Bot):")
_ROLES = {"User": "user", "Human": "user", "Assistant": "assistant", "Bot": "assistant", "ipython": "tool"}


def read_prompt(text: str) -> Turns:
    """The turns of a ``prompt``. Raises ``Skipped`` where they can't be training data."""
    if "<|" in text and _LLAMA.search(text):
        return _marked(text, _LLAMA, _ENDS_OF_TURNS)
    if "[INST]" in text and "[/INST]" in text:
        return _instructions(text)
    if "User" in text and _DEEPSEEK.search(text):
        return _marked(text, _DEEPSEEK, ("<｜end▁of▁sentence｜>", "<|end_of_sentence|>"))
    if text.rstrip().endswith("Assistant:") and "Human:" in text:
        return _marked(text, _HUMAN, ())
    return _said("user", text)


def read_input_text(text: str) -> Turns:
    """The turns of Titan's ``inputText``: a bare text, or ``User: ...\\nBot:``."""
    if text.rstrip().endswith("Bot:") and _TITAN.match(text):
        return _marked(text, _TITAN, ())
    return _said("user", text)


def _marked(text: str, marks: re.Pattern[str], ends: tuple[str, ...]) -> Turns:
    """Turns that each begin with a mark that names their role; what stands before the first is the system prompt."""
    found = list(marks.finditer(text))
    turns = _said("system", _without(text[: found[0].start()], ends))
    for index, mark in enumerate(found):
        last = index == len(found) - 1
        said = _without(text[mark.end() : None if last else found[index + 1].start()], ends)
        role = _role(mark)
        if last and role == "assistant":
            if said not in ("", "<think>"):
                raise Skipped("ends-with-answer")
        elif role == "system" and turns:
            raise Skipped("unsupported-roles")
        elif not said:
            raise Skipped("empty-message")
        else:
            turns += _said(role, said)
    return turns


def _role(mark: re.Match[str]) -> str:
    named: str = next(filter(None, mark.groups()))
    role = _ROLES.get(named, named)
    if role not in ("system", "user", "assistant"):
        raise Skipped("unsupported-roles")  # the result of a tool, which no call with an id belongs to
    return role


def _instructions(text: str) -> Turns:
    """``<s>[INST] <<SYS>>system<</SYS>> user [/INST] answer</s>[INST] ...``, Mistral's and Llama 2's."""
    before, *rounds = text.split("[INST]")
    turns = _said("system", _without(before, ("<s>",)))
    for index, part in enumerate(rounds):
        asked, closed, answered = part.partition("[/INST]")
        answered = _without(answered, ("</s>", "<s>"))
        if not closed or not asked.strip():
            raise Skipped("empty-message")
        if not turns and "<<SYS>>" in asked:
            system, _, asked = asked.partition("<</SYS>>")
            turns += _said("system", system.replace("<<SYS>>", "", 1).strip())
        turns += _said("user", asked.strip())
        if index < len(rounds) - 1:
            if not answered:
                raise Skipped("empty-message")
            turns += _said("assistant", answered)
        elif answered:
            raise Skipped("ends-with-answer")
    return turns


def _without(text: str, marks: tuple[str, ...]) -> str:
    for mark in ("<|begin_of_text|>", "<｜begin▁of▁sentence｜>", "<|begin_of_sentence|>", *marks):
        text = text.replace(mark, "")
    return text.strip()


def _said(role: str, text: str) -> Turns:
    return [{"role": role, "content": text}] if text and not text.isspace() else []
