"""Wrong usage, told as every other fault is: in plain words, and with ``--json`` as a document too."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup
from typer.exceptions import TyperException

from cli.faults import UsageFault
from cli.view import Screen

_PYDANTIC = "Value error, "  # what Typer's validator puts before the message of a ValueError
_JSON = "rft.json"


class Commands(TyperGroup):
    """Typer's group of commands; it prints the words of a usage error to stderr itself, and exits with 2.

    The type of a context here is private to Typer.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TyperException as wrong:
            wrong.message = wrong.message.removeprefix(_PYDANTIC)
            if ctx.meta[_JSON]:
                Screen(as_json=True).document({"error": UsageFault(wrong.format_message()).to_json()})
            raise
