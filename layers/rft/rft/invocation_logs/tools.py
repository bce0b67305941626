"""Tool definitions and calls of Converse, Nova, Anthropic and OpenAI-style bodies, in OpenAI's form."""

from __future__ import annotations

from typing import Any

import orjson

from rft.invocation_logs.counting import Failed, Skipped


def read_tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The functions that a body offers to the model; an empty list for none. Raises ``Skipped`` for other tools."""
    config = body.get("toolConfig")
    offered = config["tools"] if config else body.get("tools")
    if not offered:
        return []
    tools = []
    names = set()
    for tool in offered:
        if "cachePoint" in tool:
            continue
        function = _function(tool)
        if function["name"] in names:
            raise Skipped("unsupported-tools")
        names.add(function["name"])
        tools.append({"type": "function", "function": function})
    return tools


def _function(tool: dict[str, Any]) -> dict[str, Any]:
    if "toolSpec" in tool:
        definition, parameters = tool["toolSpec"], tool["toolSpec"]["inputSchema"]["json"]
    elif "input_schema" in tool:
        definition, parameters = tool, tool["input_schema"]
    elif tool.get("type") == "function" and "function" in tool:
        definition = tool["function"]
        parameters = definition.get("parameters") or {"type": "object", "properties": {}}
    else:
        raise Skipped("unsupported-tools")
    if type(parameters) is not dict or parameters.get("type") != "object":
        raise Skipped("unsupported-tools")
    function = {"name": name_of(definition["name"])}
    description = definition.get("description")
    if type(description) is str and description:
        function["description"] = description
    return {**function, "parameters": parameters}


def arguments_of(value: Any) -> str:
    """A tool's input or output as JSON text."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # deeper than 254 levels
        raise Failed("unknown-body") from None


def name_of(value: Any) -> str:
    if type(value) is not str or not value:
        raise Failed("unknown-body")
    return value


def call_id(value: Any) -> str:
    if type(value) is not str or not value:
        raise Failed("unknown-body")
    return value
