"""The filter and the redaction that ``rft convert-logs`` is asked for. Faults name the option, all at once."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rft.invocation_logs import MetadataFilter, Redactor
from rft.invocation_logs.metadata import MAX_CONDITIONS
from rft.invocation_logs.redaction import MAX_RULES

_SHOWN = 80  # characters of what was typed


def metadata_filter(equals: Sequence[str], filters: str | None, faults: list[str]) -> MetadataFilter | None:
    """What is wrong is put on the list of ``faults``, a sentence each; then the filter is None."""
    if equals and filters is not None:
        faults.append("--metadata-equals and --filters exclude each other; --filters can say both")
        return None
    if filters is not None:
        try:
            return MetadataFilter.parse(json.loads(filters))
        except json.JSONDecodeError as bad:
            faults.append(f"--filters is not JSON: {bad}")
        except (ValueError, RecursionError) as wrong:
            faults.append(f"--filters: {wrong}")
        return None
    pairs = _pairs("--metadata-equals", equals, faults)
    sound = True
    for key, value in pairs.items():
        try:
            MetadataFilter.parse({"equals": {key: value}})
        except ValueError as wrong:
            sound = False
            faults.append(f"--metadata-equals {_typed(f'{key}={value}')}: {str(wrong).replace('equals: ', '')}")
    if len(pairs) > MAX_CONDITIONS:
        faults.append(f"--metadata-equals can be given {MAX_CONDITIONS} times at most")
        return None
    return MetadataFilter.all_equal(pairs) if pairs and sound else None


def redactor(ready: str | None, patterns: Sequence[str], faults: list[str]) -> Redactor | None:
    """Own patterns come first, for they are the more exact ones. Faults as with ``metadata_filter``."""
    before = len(faults)
    own = _pairs("--redact-pattern", patterns, faults)
    rules: list[str | dict[str, str]] = [{"name": name, "pattern": pattern} for name, pattern in own.items()]
    for (name, pattern), rule in zip(own.items(), rules, strict=True):
        try:
            Redactor.parse([rule])
        except ValueError as wrong:
            faults.append(f"--redact-pattern {_typed(f'{name}={pattern}')}: {str(wrong).removeprefix('[0]: ')}")
    names = [name.strip() for name in ready.split(",")] if ready is not None else []
    known = ", ".join(Redactor.READY)
    faults += [
        f"--redact {_typed(name)}: no ready rule; there are {known}" for name in names if name not in Redactor.READY
    ]
    faults += [f"--redact names {name} twice" for name in Redactor.READY if names.count(name) > 1]
    if len(rules) + len(names) > MAX_RULES:
        faults.append(f"--redact and --redact-pattern can give {MAX_RULES} rules at most")
    if len(faults) > before:
        return None
    rules += names
    return Redactor.parse(rules) if rules else None


def _pairs(option: str, given: Sequence[str], faults: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name:
            faults.append(f"{option} takes NAME=VALUE; it was given {_typed(text)}")
        elif name in pairs:
            faults.append(f"{option} gives {_typed(name)} twice")
        else:
            pairs[name] = value
    return pairs


def _typed(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
