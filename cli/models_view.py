"""The models of an application, and one with its versions: what serves, what was measured, how to call it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.compared import gain_words
from cli.records import Live, Model, ModelPage, Version
from cli.view import fact_lines, one_line, plain, status_text, when

_MODELS = (("model", "left"), ("live since", "left"), ("versions", "right"), ("last gain", "left"))
_VERSIONS = (("version", "left"), ("made", "left"), ("run", "left"), ("mean reward", "left"), ("gain", "left"))
_TABLE_WIDTH = 110
_ROLES = ("base", "live", "candidate")


def models_table(page: ModelPage, more: str | None) -> RenderableType:
    """``more`` is the command that shows the next page, if there is one."""
    if not page["models"]:
        return Text("no models yet", style="dim")
    table = _table(_MODELS)
    for model in page["models"]:
        live, gain = model["live"], model["gain"]
        table.add_row(
            Text(plain(model["name"]), style="bold"),
            when(live["since"]) if live else Text("not live", style="dim"),
            f"{model['versions']}",
            gain_words(gain) if gain else "",
        )
    return table if more is None else Group(table, one_line(f"more: {more}", style="dim"))


def model_record(model: Model, compare: str) -> RenderableType:
    """``compare`` is the command that asks its versions."""
    live = model["live"]
    heading = Text.assemble(
        (plain(model["name"]), "bold"), "  ", ("live", "bold green") if live else (_not_live(model), "dim")
    )
    parts: list[RenderableType] = [heading, ""]
    if live is not None:
        facts = {
            "live version": f"{live['run_id']}, since {when(live['since'])}",
            "deployment": f"{live['deployment_arn']} ({live['kind']})",
            "parameter": model["live_parameter"],
        }
        parts += [*fact_lines(facts), ""]
    if model["versions"]:
        parts += [_Versions(model["versions"]), ""]
    if live is not None:
        parts += _calls(model, live, compare)
    return Group(*parts)


def _not_live(model: Model) -> str:
    deleted_at = model.get("deleted_at")
    return f"deleted on {when(deleted_at)}" if deleted_at else "not live"


def _table(columns: tuple[tuple[str, str], ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading, side in columns:
        justify: JustifyMethod = "right" if side == "right" else "left"
        table.add_column(heading, justify=justify, no_wrap=heading in ("model", "version"), overflow="fold")
    return table


class _Versions:
    """A table where there is room for it, else two lines a version."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self._versions = versions

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if console.is_terminal and options.max_width < _TABLE_WIDTH:
            for version in self._versions:
                yield one_line(version["run_id"])
                yield Padding(Text(", ".join((when(version["created_at"]), _state(version).plain))), (0, 0, 0, 2))
                yield Padding(Text("; ".join(part for part in (_gain(version), _means(version)) if part)), (0, 0, 0, 2))
            return
        table = _table(_VERSIONS)
        for version in self._versions:
            table.add_row(
                Text(plain(version["run_id"])),
                when(version["created_at"]),
                _state(version),
                _means(version),
                Text(_gain(version), style="" if version["gain"] else "dim"),
            )
        yield table


def _gain(version: Version) -> str:
    gain = version["gain"]
    return f"{gain_words(gain)} over {plain(version['against'])}" if gain else "not compared"


def _state(version: Version) -> Text:
    if version["live"]:
        return Text.assemble(status_text(version["status"]), (", live", "bold green"))
    return Text.assemble(status_text(version["status"]), (", deleted" if version["deleted_at"] else "", "dim"))


def _means(version: Version) -> str:
    means = ((role, (version["means"] or {}).get(role)) for role in _ROLES)
    return ", ".join(f"{role} {mean:.2f}" for role, mean in means if mean is not None)


def _calls(model: Model, live: Live, compare: str) -> Iterator[Text]:
    """How an app finds the model and calls it, and how a person tries it."""
    yield Text("an app reads the parameter, and follows each promotion without a change", style="dim")
    yield one_line(f"  aws ssm get-parameter --name {model['live_parameter']} --query Parameter.Value --output text")
    yield one_line(
        f"  aws bedrock-runtime converse --model-id {live['deployment_arn']} "
        """--messages '[{"role":"user","content":[{"text":"..."}]}]'"""
    )
    yield one_line(f"  {compare}")
