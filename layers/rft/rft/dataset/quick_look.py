"""The quick look at a line: clears plain good records at about the speed of a bare parser, and nothing else.

simdjson parses into a flat form that is looked at without making Python objects of it, and in which a key that was
written twice stands twice (other parsers keep the last one in silence). What the quick look doesn't clear isn't bad:
the slow look of rft.dataset.text and rft.dataset.shape says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdjson import Array, Object, Parser

if TYPE_CHECKING:
    from rft.dataset.limits import Limits
    from rft.dataset.lines import OverlongLine

OPENING_BRACE, CLOSING_BRACE = b"{}"
NOT_PLAIN = frozenset({"rft", "tools"})
ROLE_SEQUENCES_REMEMBERED, MOST_ROLES = 256, 64  # what the memory of them is bounded by
MOST_FIELDS = 64  # simdjson finds a field by walking there: many of them would take time by the square


# Of a cleared record: its roles, how many of them are the user's, texts, characters of text, id and reference answer
# (None where there is none).
type Clearance = tuple[tuple[str, ...], int, tuple[str, ...], int, str | None, str | dict[str, Any] | None]
# Whether a record has an id, a reference answer, and what else beside its messages.
type _Fields = tuple[bool, bool, tuple[str, ...]]


class QuickLook:
    """Looks at the lines of one file, and remembers what good ones look like."""

    def __init__(self, limits: Limits) -> None:
        self._require_reference = limits.require_reference
        self._reference_flaw = limits.reference_flaw
        self._record_flaw = limits.record_flaw
        self._parse = Parser().parse
        self._fields: dict[int, _Fields] = {}  # by their number: the fields that the last such record had
        self._good_roles: dict[tuple[str, ...], tuple[tuple[str, ...], int]] = {}  # with the number of user turns

    def remember(self, roles: tuple[str, ...]) -> None:
        """The slow look found this order of roles to be good."""
        if len(self._good_roles) < ROLE_SEQUENCES_REMEMBERED and len(roles) <= MOST_ROLES:
            self._good_roles[roles] = (roles, roles.count("user"))

    def clear(self, line: bytes | OverlongLine) -> Clearance | None:  # noqa: C901, PLR0911, PLR0912 - one hot piece
        """None means "look closer". With what it clears, the slow look finds no fault."""
        document: Any = None
        fields: _Fields | None = None
        try:
            # simdjson would read past a byte order mark and a carriage return. An overlong line has no bytes at all.
            if line[-1] != CLOSING_BRACE or line[0] != OPENING_BRACE:  # type: ignore[index]
                return None
            document = self._parse(line)  # type: ignore[arg-type]
            fields = self._fields.get(len(document))
            if fields is None:
                fields = self._learn(document)
                if fields is None:
                    return None
            roles = []
            texts = []
            characters = 0
            for message in document["messages"]:
                text = message["content"]
                if len(message) != 2 or not text or text.isspace():
                    return None
                roles.append(message["role"])
                texts.append(text)
                characters += len(text)
            good_roles = self._good_roles.get(tuple(roles))
            if good_roles is None:
                return None
            has_id, has_reference, others = fields
            record_id = reference = None
            if has_id:
                record_id = document["id"]
                if not record_id.strip():
                    return None
            if has_reference:
                reference = document["reference_answer"]
                if type(reference) is Object:
                    reference = _plain_object(reference)
                elif type(reference) is not str or reference.isspace():
                    return None
                # One that says nothing is for the slow look, which knows whether the grader needs one.
                if not reference or (self._reference_flaw is not None and self._reference_flaw(reference) is not None):
                    return None
            elif self._require_reference:
                return None
            for name in others:
                value = document[name]
                if type(value) is Object:
                    if _plain_object(value) is None:
                        return None
                elif type(value) is Array and not _keys_are_unique(value):
                    return None
        except KeyError:
            # As many fields as the last record, but others? Or a message that lacks one: then nothing new is learnt.
            message = value = reference = None
            another_look = self._learn(document) not in (None, fields)
        except (ValueError, TypeError, AttributeError, IndexError, RuntimeError):
            return None
        else:
            return *good_roles, tuple(texts), characters, record_id, reference
        document = None  # simdjson parses no other line while one is held
        return self.clear(line) if another_look else None

    def has_unique_keys(self, line: bytes) -> bool:
        """Whether no object of a line of JSON gives a key twice. True is certain."""
        try:
            return _keys_are_unique(self._parse(line))
        except (ValueError, LookupError, RuntimeError):
            return False

    def _learn(self, document: Any) -> _Fields | None:
        """Which fields the record has. None if one stands twice or asks for a closer look."""
        names = tuple(document)
        kept = frozenset(names)
        if not _are_plain_names(names) or kept & NOT_PLAIN or self._record_flaw is not None:
            return None
        fields = ("id" in kept, "reference_answer" in kept, tuple(kept - {"id", "reference_answer", "messages"}))
        self._fields[len(names)] = fields
        return fields


def _plain_object(value: Any) -> dict[str, Any] | None:
    """A simdjson ``Object`` as a dict. None if a key in it stands twice, however deep."""
    plain: dict[str, Any] = value.as_dict()
    if len(plain) != len(value):
        return None
    for member in plain.values():
        if type(member) is dict or type(member) is list:
            return plain if _keys_are_unique(value) else None
    return plain


def _are_plain_names(names: tuple[str, ...]) -> bool:
    """Each once, not too many, and none with a NUL, behind which simdjson doesn't look when it is asked for a field."""
    return len(names) <= MOST_FIELDS and len(frozenset(names)) == len(names) and "\0" not in "".join(names)


def _keys_are_unique(value: Any) -> bool:
    """Whether no object in a simdjson ``Object`` or ``Array`` gives a key twice. True is certain."""
    containers = [value] if type(value) is Object or type(value) is Array else []
    for container in containers:  # grows as it goes: no recursion, so depth is no danger
        members: Any = container
        if type(container) is Object:
            names = tuple(container)
            if not _are_plain_names(names):
                return False
            members = map(container.__getitem__, names)  # .values() would make dicts, in which nothing stands twice
        containers.extend(member for member in members if type(member) is Object or type(member) is Array)
    return True
