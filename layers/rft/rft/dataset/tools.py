"""Tool definitions and tool calls, in OpenAI's form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rft.dataset.problems import Flaw, kind_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOL_FORM = 'write {"type": "function", "function": {"name": ..., "parameters": {"type": "object", ...}}}'
CALL_FORM = 'write {"id": ..., "type": "function", "function": {"name": ..., "arguments": "<JSON>"}}'


def tool_flaws(tools: Any) -> Iterator[Flaw]:
    """Flaws of a record's ``tools``: a non-empty list of functions with names of their own."""
    if not isinstance(tools, list) or not tools:
        found = "tools is an empty list" if tools == [] else f"tools is {kind_of(tools)}"
        yield Flaw("tools", "tools-type", found, "give a list of tools, or leave the field out")
        return
    names: set[str] = set()
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        function = _function_of(tool)
        if function is None:
            yield Flaw(path, "tool-form", f"the tool is {kind_of(tool)} that defines no function", TOOL_FORM)
            continue
        name = function.get("name")
        if not isinstance(name, str) or not name:
            yield Flaw(f"{path}.function.name", "tool-form", f"the name is {shown(name)}", TOOL_FORM)
        elif name in names:
            yield Flaw(f"{path}.function.name", "tool-repeated", f"two tools are named {shown(name)}", "rename one")
        else:
            names.add(name)
        parameters = function.get("parameters", {"type": "object"})
        if not isinstance(parameters, dict) or parameters.get("type") != "object":
            found = "the parameters are no JSON schema of an object"
            yield Flaw(f"{path}.function.parameters", "tool-form", found, TOOL_FORM)


def call_flaws(path: str, message: dict[str, Any]) -> Iterator[Flaw]:
    """Flaws of a message's ``tool_calls`` and ``tool_call_id``, where it has them."""
    role = message.get("role")
    if "tool_calls" in message:
        calls = message["tool_calls"]
        if role not in ("assistant", "bot"):
            found = f"a message of {shown(role)} calls tools"
            yield Flaw(f"{path}.tool_calls", "tool-calls", found, "leave tool_calls to the assistant's messages")
        if not isinstance(calls, list) or not calls:
            found = "tool_calls is an empty list" if calls == [] else f"tool_calls is {kind_of(calls)}"
            yield Flaw(f"{path}.tool_calls", "tool-calls", found, "give a list of calls, or leave the field out")
            return
        for index, call in enumerate(calls):
            function = _function_of(call)
            if function is None or not all(isinstance(function.get(key), str) for key in ("name", "arguments")):
                yield Flaw(f"{path}.tool_calls[{index}]", "tool-calls", "this is no call of a function", CALL_FORM)
    if "tool_call_id" in message:
        call_id = message["tool_call_id"]
        if role != "tool" or not isinstance(call_id, str) or not call_id:
            found = f"tool_call_id is {shown(call_id)} in a message of {shown(role)}"
            fix = "give the id of the call, as a string, in messages of the role tool"
            yield Flaw(f"{path}.tool_call_id", "tool-call-id", found, fix)


def _function_of(value: Any) -> dict[str, Any] | None:
    if isinstance(value, dict) and value.get("type") == "function" and isinstance(value.get("function"), dict):
        return dict(value["function"])
    return None
