"""``python local/emulator/__main__.py KEY_FILE``: the emulator, hosted with the routes under ``/_local``.

Run by the emulator's own interpreter, which knows nothing of this repository: so its path is added here, in this
process only. What stands in ``KEY_FILE`` is what a caller of the routes has to know; it is passed as a file because
every function that the emulator starts inherits the emulator's environment.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Serve until SIGTERM."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

    from local.emulator import inside, routes  # noqa: PLC0415  # only now is it found

    key = Path(sys.argv[1]).read_text().strip()
    inside.install()
    inside.serve(lambda app: routes.hosted(app, key=key, inside=inside))


if __name__ == "__main__":
    main()
