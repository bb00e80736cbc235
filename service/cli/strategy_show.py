"""`sluice strategy show`: what applies to some ads, and in which file and line each value is written."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from service.cli.published import fetch_bundle, is_folder, read_bundle_folder
from service.cli.running import DONE, CommandError, out, run_command, show_safely
from service.release.packing import PackingError
from service.settings import Settings
from service.strategy import Bundle, CompiledStrategy, StrategyError, compile_bundle
from service.strategy.provenance import Valued, list_values
from service.strategy.scalars import suggest_market

_HEADS = {"thresholds": "Thresholds", "policies": "Policies", "rules": "Rules"}
_INDENT = 4


def show(  # noqa: PLR0913 - each is an option of the command
    *,
    vertical: Annotated[str, Parameter(help="Line of business, such as gambling.")],
    market: Annotated[str, Parameter(help="ISO 3166-1 code, such as GB.")],
    product: Annotated[str, Parameter(help="Ad product, such as feed.")],
    at: Annotated[datetime | None, Parameter(help="When, with a zone; default: now.")] = None,
    bundle: Annotated[str | None, Parameter(help="A folder, 'live', 'candidate', a version or a hash.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=(), help="As JSON.")] = False,
) -> int:
    """Show the strategy that applies to the ads of a vertical, a market and an ad product, field by field.

    Beside each value stands the place where it is written. The bundle is that of SLUICE_STRATEGIES_DIR unless --bundle
    names another.
    """

    async def run(settings: Settings) -> int:
        if at is not None and at.tzinfo is None:
            raise CommandError(f"--at {at.isoformat()} has no zone; write it as {at.isoformat()}+00:00")
        if suggest_market(market) != f"did you mean '{market}'?":
            raise CommandError(f"--market {market} is not an ISO 3166-1 code; {suggest_market(market)}")
        shown = await _compile(settings, bundle)
        _require_known("vertical", vertical, shown.shared.verticals)
        _require_known("product", product, shown.shared.products)
        time = at or datetime.now(UTC)
        strategy = shown.strategy_of((market, vertical, product), time)
        values = list(list_values(shown, strategy))
        if as_json:
            out.print(json.dumps(_to_json(shown, strategy, values, time), indent=2, ensure_ascii=False))
        else:
            _print(shown, strategy, values, f"{market} / {vertical} / {product} at {time.isoformat()}")
        return DONE

    return run_command(run)


async def _compile(settings: Settings, name: str | None) -> Bundle:
    try:
        if name is None or is_folder(name):
            files = read_bundle_folder(Path(name) if name else settings.strategies_dir)
        else:
            files = await fetch_bundle(settings, name)
        return await asyncio.to_thread(compile_bundle, files)
    except (StrategyError, PackingError) as error:
        raise CommandError(str(error)) from None


def _require_known(dimension: str, value: str, known: tuple[str, ...]) -> None:
    if known and value not in known:
        raise CommandError(f"--{dimension} {value} is none of this bundle's: {', '.join(known)}")


def _to_json(bundle: Bundle, strategy: CompiledStrategy, values: Iterable[Valued], time: datetime) -> dict[str, Any]:
    return {
        "bundle": {"version": bundle.version, "sha256": bundle.sha256},
        "at": time.isoformat(),
        "strategies": [
            {"id": layer.id, "owner": layer.strategy.owner, "file": layer.document.file}
            for layer in strategy.effective.layers
        ],
        "values": [
            {
                **{name: getattr(value, name) for name in ("section", "name", "field", "value")},
                "strategy": value.origin.strategy or None,
                "where": str(value.origin.where),
            }
            for value in values
        ],
    }


def _print(bundle: Bundle, strategy: CompiledStrategy, values: Iterable[Valued], scope: str) -> None:
    out.print(Text.assemble((scope, "bold"), (f"  bundle {bundle.version} ({bundle.sha256[:12]})", "dim")))
    out.print()
    out.print(Text("Strategies, the most specific first", "bold underline"))
    for layer in strategy.effective.layers:
        out.print(Text.assemble((f"  {layer.id}", "bold"), f"  {layer.strategy.owner}", _place(layer.document.file)))
    for section, of_section in groupby(values, key=lambda value: value.section):
        out.print()
        out.print(Text(_HEADS[section], "bold underline"))
        for name, fields in groupby(of_section, key=lambda value: value.name):
            out.print(Text(f"  {name}", "bold"))
            for value in fields:
                _print_value(value)


def _print_value(shown: Valued) -> None:
    place = _place(str(shown.origin.where))
    if shown.field == "when":
        out.print(Text(" " * _INDENT + "when:").append_text(place))
        for condition in shown.value:
            out.print(Text(" " * _INDENT + "  - " + show_safely(" ".join(condition.split()))))
        return
    given = shown.value if isinstance(shown.value, str) else json.dumps(shown.value, ensure_ascii=False)
    out.print(Text(" " * _INDENT + f"{shown.field}: {show_safely(given)}").append_text(place))


def _place(where: str) -> Text:
    return Text(f"  {where}", "cyan")
