"""Who sees what, where several teams share a stack: parameter ``Tenants``, a list of ``name=pattern``.

A tenant is a name and the callers that speak for it. What is a tenant's is told by names alone: its models begin with
``<tenant>-``, so do its runs, and its datasets lie below ``inbox/<tenant>-`` and ``datasets/<tenant>-``. So nothing has
to be looked up to refuse, and a refusal can't tell whether the thing exists.

A pattern is held against the ARN that API Gateway gives for a caller::

    arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION     (without the role's path)
    arn:aws:sts::ACCOUNT:federated-user/NAME
    arn:aws:iam::ACCOUNT:user/NAME                     (with the user's path)
    arn:aws:iam::ACCOUNT:root

``*`` stands for any characters but a slash. Whoever assumes a role chooses the session's name, and a role beside one's
own may be named like it and more; so an asterisk that crossed slashes, or a pattern that stopped within a role's name,
could be fooled by either. Parts are compared one by one, there must be as many of them, and partition, service and
account have to be written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Self

from rft.run.identity import MODEL_PATTERN, RUN_ID_PATTERN

ADMINISTRATOR = "*"
"""The name of those who see everything."""
EVENT_SOURCE = "rft.tenant."
"""Before the tenant's name, in the source of an event that asks for a run."""
MAX_NAME = 24
"""Characters of a tenant's name: of a model's 40 some have to be left."""

_NAME = re.compile(MODEL_PATTERN)
_RUN_ID = re.compile(RUN_ID_PATTERN)
_HASH = 13  # characters at the end of a run's id: a hyphen and its digits
_FOLDERS = ("inbox/", "datasets/")
_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:[a-z-]+(?:/.*)?", re.DOTALL)
_PATTERN = re.compile(
    r"(?P<principal>arn:aws[a-z-]*:(?:sts::[0-9]{12}:(?:assumed-role|federated-user)|iam::[0-9]{12}:(?:user|root)))"
    r"(?:/(?P<rest>[A-Za-z0-9_+=.@*/-]+))?"
)
_PARTS = {"assumed-role": (2, 2), "federated-user": (1, 1), "user": (1, None), "root": (0, 0)}
"""How many parts follow each kind of principal, at least and at most."""


class TenantsInvalid(ValueError):
    """The parameter can't be understood. ``problems`` names everything wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("parameter Tenants: " + "; ".join(problems))


@dataclass(frozen=True, slots=True)
class Scope:
    """What one caller may see and name. ``tenant`` is None where the stack has no tenants."""

    tenant: str | None

    @property
    def sees_all(self) -> bool:
        return self.tenant in (None, ADMINISTRATOR)

    @property
    def prefix(self) -> str:
        """Before the name of every model; empty where all are to be seen."""
        return "" if self.sees_all else f"{self.tenant}-"

    @property
    def folders(self) -> tuple[str, ...]:
        """Before the key of every object that may be named as data."""
        return tuple(f"{folder}{self.prefix}" for folder in _FOLDERS)

    @property
    def origin(self) -> tuple[str, ...]:
        """What tells one tenant's Idempotency-Keys and runs from another's. Empty without tenants: ids stay as they
        were."""
        return () if self.tenant is None else ("tenant", self.tenant)

    def has_model(self, name: str) -> bool:
        return name.startswith(self.prefix)

    def has_run(self, run_id: str) -> bool:
        """By its id alone, which a run of the model ``acme`` may share with a tenant's: the record's model decides."""
        return run_id.startswith(self.prefix)

    def has_key(self, key: str) -> bool:
        """Whether an object of the data bucket may be named as data: in the tenant's folders, or the dataset that a
        run of its own was trained on, which a run that is repeated names."""
        if self.sees_all or key.startswith(self.folders):
            return True
        runs, _, rest = key.partition("/")
        run_id, _, file = rest.partition("/")
        return (
            runs == "runs"
            and file.startswith("dataset/")
            and _RUN_ID.fullmatch(run_id) is not None
            and self.has_model(run_id[:-_HASH])
        )


EVERYTHING = Scope(None)


@dataclass(frozen=True, slots=True)
class _Entry:
    tenant: str
    pattern: str

    def fits(self, arn: str) -> bool:
        wanted, given = self.pattern.split("/"), arn.split("/")
        return len(wanted) == len(given) and all(
            re.fullmatch(".*".join(map(re.escape, part.split("*"))), there, re.DOTALL) is not None
            for part, there in zip(wanted, given, strict=True)
        )


@dataclass(frozen=True)
class Tenants:
    """The tenants of a stack; none where the parameter is empty, and then everybody sees everything."""

    entries: tuple[_Entry, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the parameter. Raises ``TenantsInvalid`` with all that is wrong."""
        if not text.strip():
            return cls()
        given = [said.strip() for said in text.split(",")]
        entries, problems = [], []
        for place, said in enumerate(given, start=1):
            name, equals, pattern = said.partition("=")
            faults = ["has no ="] if not equals else [*_name_faults(name), *_pattern_faults(pattern)]
            problems += [f"entry {place} ({said[:80]}): {fault}" for fault in faults]
            if not faults:
                entries.append(_Entry(name, pattern))
        names = {entry.tenant for entry in entries}
        problems += [
            f"the models of {longer} would be those of {shorter} too: no name with a hyphen may begin another"
            for shorter, longer in permutations(sorted(names), 2)
            if longer.startswith(f"{shorter}-")
        ]
        owners: dict[str, set[str]] = {}
        for entry in entries:
            owners.setdefault(entry.pattern, set()).add(entry.tenant)
        problems += [
            f"{pattern} stands for more than one: {', '.join(sorted(each))}"
            for pattern, each in owners.items()
            if len(each) > 1
        ]
        if problems:
            raise TenantsInvalid(problems)
        return cls(tuple(entries))

    @property
    def are_on(self) -> bool:
        return bool(self.entries)

    @cached_property
    def names(self) -> frozenset[str]:
        """Without the administrator's."""
        return frozenset(entry.tenant for entry in self.entries) - {ADMINISTRATOR}

    def of_caller(self, arn: str | None) -> Scope | None:
        """What the caller of an API sees. None for one that no entry fits, and for one that fits entries of more than
        one name: nobody is guessed to be somebody."""
        if not self.are_on:
            return EVERYTHING
        if arn is None or not _ARN.fullmatch(arn):
            return None
        fitting = {entry.tenant for entry in self.entries if entry.fits(arn)}
        return Scope(fitting.pop()) if len(fitting) == 1 else None

    def of_upload(self, key: str) -> Scope | None:
        """Of whom an upload into ``inbox/`` speaks: the rights to the bucket say who may write where. None for a place
        that is no tenant's."""
        if not self.are_on:
            return EVERYTHING
        return next((scope for scope in self._scopes() if key.startswith(scope.folders)), None)

    def of_event(self, source: str) -> Scope | None:
        """Of whom an event speaks: the right to put events can be held to a source (``events:source``). None for a
        source that names no tenant."""
        if not self.are_on:
            return EVERYTHING
        name = source.removeprefix(EVENT_SOURCE) if source.startswith(EVENT_SOURCE) else ""
        return Scope(name) if name in self.names else None

    def _scopes(self) -> Iterator[Scope]:
        return (Scope(name) for name in self.names)


def _name_faults(name: str) -> Iterator[str]:
    if name == ADMINISTRATOR:
        return
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        yield f"the name must be at most {MAX_NAME} of a-z, 0-9 and single hyphens, or * for an administrator"


def _pattern_faults(pattern: str) -> Iterator[str]:
    fits = _PATTERN.fullmatch(pattern)
    if fits is None:
        yield (
            "the pattern must be an ARN with its account written out: arn:aws:sts::ACCOUNT:assumed-role/ROLE/*, "
            "arn:aws:sts::ACCOUNT:federated-user/NAME, arn:aws:iam::ACCOUNT:user/NAME or arn:aws:iam::ACCOUNT:root"
        )
        return
    kind = fits["principal"].rpartition(":")[2]
    parts = fits["rest"].split("/") if fits["rest"] is not None else []
    least, most = _PARTS[kind]
    if len(parts) < least or (most is not None and len(parts) > most) or "" in parts:
        yield {
            "assumed-role": "the role's name must end with a slash and the session follow it: assumed-role/ROLE/*",
            "federated-user": "one name must follow federated-user/",
            "user": "a name must follow user/, its path before it if it has one",
            "root": "nothing follows root",
        }[kind]
    elif kind == "assumed-role" and not parts[0].strip("*"):
        yield "the role must be named: * alone stands for every role of the account"
