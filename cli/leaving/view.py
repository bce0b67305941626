"""What leaving shows: a list before anything is touched, and at the end what is left and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.leaving.account import Account
from cli.leaving.things import Left, Thing
from cli.leaving.work import Listed, Outcome
from cli.view import one_line, plain


def listed_words(listed: Listed, account: Account, *, everything: bool) -> RenderableType:
    """Before: what goes, in that order, and what is kept."""
    where = Text.assemble((plain(listed.stack), "bold"), f" in {account.region}, account {account.account}")
    parts: list[RenderableType] = [where]
    if listed.goes:
        parts += ["", Text("to be removed, in this order", style="bold"), _things(listed.goes)]
    if listed.kept:
        parts += ["", Text("kept" if everything else "kept; --all removes data", style="bold"), _things(listed.kept)]
    if listed.left:
        parts += ["", Text("stays, and may cost money", style="bold yellow"), _left(listed.left)]
    return Group(*parts, "")


def outcome_words(
    outcome: Outcome, account: Account, *, everything: bool, orphans: bool = False, is_orphaned: bool = False
) -> RenderableType:
    """After: what is left and why, what is kept, and what to do. ``is_orphaned``: nothing was removed, as no stack was
    there or remembered; ``orphans``: it was to be removed all the same."""
    parts: list[RenderableType] = []
    flags = (" --all" if everything else "") + (" --orphans" if orphans else "")
    if outcome.left:
        parts += [Text("left, and may cost money", style="bold yellow"), _left(outcome.left), ""]
        if is_orphaned:
            wrong = "nothing was removed: look at the name and the region first; if they are right"
            parts.append(one_line(f"{wrong}: {account.command('destroy')}{flags} --orphans", style="dim"))
        else:
            parts.append(one_line(f"try again: {account.command('destroy')}{flags}", style="dim"))
        parts += [one_line("by hand: docs/leaving.md", style="dim")]
        return Group(*parts)
    if outcome.kept:
        parts += [Text("kept", style="bold"), _things(outcome.kept), ""]
        parts += [
            Text(
                f"nothing else of {account.stack} is left in {account.region}, and nothing billable but what is kept",
                style="green",
            ),
        ]
        if not everything:
            command = f"{account.command('destroy')} --all{' --orphans' if orphans or is_orphaned else ''}"
            parts.append(one_line(f"remove the data too: {command}", style="dim"))
        return Group(*parts)
    told = f"nothing of {account.stack} is left in {account.region}, and nothing billable"
    if any(thing.kind == "KMS key" for thing in outcome.removed):
        told += "; AWS deletes its keys in 30 days, which cost nothing until then"
    return Group(Text(told, style="green"))


def _things(things: Sequence[Thing]) -> RenderableType:
    """A heading a kind, so that a long list can be read."""
    rows: list[RenderableType] = []
    for kind, group in groupby(things, key=lambda thing: thing.kind):
        same = list(group)
        rows.append(Text(f"{kind}" + (f" ({len(same)})" if len(same) > 1 else ""), style="cyan"))
        table = Table.grid(padding=(0, 2))
        for thing in same:
            table.add_row(_fold(thing.name), _fold(thing.note), _fold(thing.cost, "dim"))
        rows.append(Padding(table, (0, 0, 0, 2), expand=False))
    return Padding(Group(*rows), (0, 0, 0, 2), expand=False)


def _left(left: Iterable[Left]) -> RenderableType:
    rows: list[RenderableType] = []
    for one in left:
        cost = f" (costs: {one.thing.cost})" if one.thing.cost else ""
        rows.append(one_line(f"{one.thing.kind} {one.thing.id}"))
        rows.append(Padding(_fold(f"{one.reason}{cost}"), (0, 0, 0, 2), expand=False))
    return Padding(Group(*rows), (0, 0, 0, 2), expand=False)


def _fold(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style, overflow="fold")
