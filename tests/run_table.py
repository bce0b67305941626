"""The run table as the template makes it, in moto."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

_TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
_KEYS = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


@cache
def _properties() -> dict[str, Any]:
    """Reading the template takes longer than most tests."""
    properties: dict[str, Any] = yaml_parse(_TEMPLATE.read_text())["Resources"]["RunTable"]["Properties"]
    return {key: properties[key] for key in _KEYS}


def create_run_table(dynamodb: Any, name: str = "runs") -> None:
    dynamodb.create_table(TableName=name, **_properties())
