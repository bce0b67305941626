"""Which records are wanted, by their request metadata: Bedrock's own ``requestMetadataFilters``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHARACTERS = re.compile(r"[a-zA-Z0-9\s._:/=+$@-]*")
MAX_KEY = MAX_VALUE = 256
MAX_CONDITIONS = 16
ONE_OF = '"equals", "notEquals", "andAll" or "orAll"'


class Condition(NamedTuple):
    """``key`` has ``value``, or with ``wanted`` False hasn't: a record without the key fulfils that too."""

    key: str
    value: str
    wanted: bool

    def holds(self, metadata: Mapping[str, Any]) -> bool:
        return (metadata.get(self.key) == self.value) is self.wanted


class MetadataFilter:
    """Conditions that must all hold, or of which one must. AND and OR can't be mixed, as in Bedrock's API.

    An item of ``andAll`` or ``orAll`` holds one condition, or one of each kind, of which both must hold.
    """

    def __init__(self, items: list[list[Condition]], combine: Callable[[Iterator[bool]], bool]) -> None:
        self._items = items
        self._combine = combine

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Raises ``ValueError`` with everything that is wrong with it."""
        problems: list[str] = []
        items = _items_of(document, problems)
        if problems:
            raise ValueError("; ".join(problems))
        return cls(items, any if "orAll" in document else all)

    @classmethod
    def all_equal(cls, wanted: Mapping[str, str]) -> Self:
        """Every key must have its value. Raises ``ValueError`` as ``parse`` does."""
        return cls.parse({"andAll": [{"equals": {key: value}} for key, value in wanted.items()]})

    def admits(self, request_metadata: Mapping[str, Any] | None) -> bool:
        """Whether a record is wanted. No metadata at all are the same as none of the keys."""
        metadata = request_metadata if isinstance(request_metadata, dict) else {}
        return self._combine(all(condition.holds(metadata) for condition in item) for item in self._items)


def _items_of(document: object, problems: list[str]) -> list[list[Condition]]:
    if not isinstance(document, dict) or len(document) != 1:
        problems.append(f"give an object with exactly one of {ONE_OF}")
        return []
    name, value = next(iter(document.items()))
    if name in ("equals", "notEquals"):
        return [_conditions("", document, problems)]
    if name not in ("andAll", "orAll"):
        problems.append(f"{str(name)[:80]!r} is none of {ONE_OF}")
        return []
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_CONDITIONS:
        problems.append(f"{name} must be a list of 1 to {MAX_CONDITIONS} conditions")
        return []
    return [_conditions(f"{name}[{index}]", item, problems) for index, item in enumerate(value)]


def _conditions(path: str, item: object, problems: list[str]) -> list[Condition]:
    if not isinstance(item, dict) or not item or not item.keys() <= {"equals", "notEquals"}:
        problems.append(f'{path} must be an object with "equals" or "notEquals"')
        return []
    conditions = []
    for name, pair in item.items():
        where = f"{path}.{name}" if path else name
        if not isinstance(pair, dict) or len(pair) != 1:
            problems.append(f"{where} must be an object with exactly one key and its value")
            continue
        key, value = next(iter(pair.items()))
        if not _is_text(key, 1, MAX_KEY):
            problems.append(f"{where}: a key has 1 to {MAX_KEY} characters out of a-z A-Z 0-9 space . _ : / = + $ @ -")
        if not _is_text(value, 0, MAX_VALUE):
            problems.append(
                f"{where}: a value is a string of at most {MAX_VALUE} characters "
                "out of a-z A-Z 0-9 space . _ : / = + $ @ -"
            )
        conditions.append(Condition(key, value, name == "equals"))
    return conditions


def _is_text(value: object, least: int, most: int) -> bool:
    return isinstance(value, str) and least <= len(value) <= most and CHARACTERS.fullmatch(value) is not None
