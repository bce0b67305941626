"""Run the benchmarks and print a table; the exit code is 1 if a promise isn't kept."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import Measurement


def main(names: Sequence[str]) -> int:
    found = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))
    if unknown := set(names) - set(found):
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(found)}", file=sys.stderr)
        return 2
    broken = 0
    for name in names or found:
        print(f"\n{name}")
        for measurement in importlib.import_module(f"benchmarks.{name}").measure():
            print(_line(measurement), flush=True)
            broken += not measurement.kept
    print(f"\n{broken} promises not kept" if broken else "\nall promises kept")
    return 1 if broken else 0


def _line(m: Measurement) -> str:
    promise = (
        ""
        if m.promise is None
        else f"{'>=' if m.at_least else '<='} {m.promise:g} {m.unit}   {'kept' if m.kept else 'NOT KEPT'}"
    )
    return f"  {m.what:<58} {m.value:>9.3g} {m.unit:<9} {promise}".rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
