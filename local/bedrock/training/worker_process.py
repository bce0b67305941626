"""Worker processes, forked from one that has imported already what each of them needs: half a second of every job.

The server can't fork itself: it has threads. multiprocessing's fork server has none, and ends with the server.
"""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["local.bedrock.training.worker"])


class WorkerProcess:
    """One of them, running. ``environment`` stands in place of all that the server's own says of AWS."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # Before numpy is imported there: two threads on a busy machine with two cores are several times slower.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        heard, say = _FORKS.Pipe(duplex=False)
        hear, told = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=_work, args=(heard, told, dict(environment)), daemon=True)
        self._process.start()
        heard.close()
        told.close()
        self._say, self._hear = os.fdopen(os.dup(say.fileno()), "w"), os.fdopen(os.dup(hear.fileno()))
        say.close()
        hear.close()

    def say(self, line: str) -> None:
        """Raises ``OSError`` or ``ValueError`` if it is gone."""
        self._say.write(line + "\n")
        self._say.flush()

    def lines(self) -> Iterator[str]:
        """What it says, until it ends."""
        return iter(self._hear)

    def wait(self) -> int:
        """Its exit code, once it has ended; negative is a signal's number."""
        self._process.join()
        code = self._process.exitcode
        return -1 if code is None else code

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """After its end."""
        for pipe in (self._say, self._hear):
            with suppress(OSError):  # what wasn't read of the last words to it
                pipe.close()


def _work(heard: Connection, told: Connection, environment: Mapping[str, str]) -> None:
    from local.bedrock.training import worker  # noqa: PLC0415  # the fork server has imported it; the server needn't

    os.setsid()  # Ctrl-C in a terminal is for the server, which ends its workers itself
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= environment
    worker.main(os.fdopen(heard.fileno(), closefd=False), os.fdopen(told.fileno(), "w", closefd=False))
