"""One SQLite file that holds every record as a JSON document, so that no restart forgets anything."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.bedrock.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, arn TEXT NOT NULL, name TEXT NOT NULL, number INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL, UNIQUE (kind, arn));
CREATE INDEX IF NOT EXISTS documents_by_name ON documents (kind, name);
CREATE TABLE IF NOT EXISTS prompts (digest TEXT NOT NULL, job TEXT NOT NULL, number INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS prompts_by_digest ON prompts (digest, number);
CREATE INDEX IF NOT EXISTS prompts_by_number ON prompts (number);
CREATE INDEX IF NOT EXISTS prompts_by_job ON prompts (job);
"""


class Store:
    """Safe to use from several threads; ``transaction`` makes several calls one, for this process and on disk."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # What is written outlives this process, not a loss of power: the emulator beside it outlives neither.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested ones join the outermost. Other threads wait."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def save(self, record: Record) -> None:
        """Insert the record, or replace the one with its kind and ARN."""
        with self._lock:
            self._connection.execute(
                "INSERT INTO documents (kind, arn, name, body) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (kind, arn) DO UPDATE SET name = excluded.name, body = excluded.body",
                (record.kind, record.arn, record.name, record.model_dump_json()),
            )

    def get[R: Record](self, kind: type[R], identifier: str) -> R | None:
        """The record with this ARN, else the newest with this name."""
        with self._lock:
            row = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? AND (arn = ? OR name = ?)"
                " ORDER BY arn = ? DESC, number DESC LIMIT 1",
                (kind.kind, identifier, identifier, identifier),
            ).fetchone()
        return kind.model_validate_json(row[0]) if row else None

    def all[R: Record](self, kind: type[R]) -> list[R]:
        """Every record of a kind, oldest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT body FROM documents WHERE kind = ? ORDER BY number", (kind.kind,)
            ).fetchall()
        return [kind.model_validate_json(body) for (body,) in rows]

    def delete(self, record: Record) -> None:
        """Forget the record."""
        self.delete_arn(type(record), record.arn)

    def delete_arn(self, kind: type[Record], arn: str) -> None:
        """Forget the record of a kind with this ARN, if there is one."""
        with self._lock:
            self._connection.execute("DELETE FROM documents WHERE kind = ? AND arn = ?", (kind.kind, arn))

    def remember_prompts(self, base_id: str, digests: Iterable[str], *, since: datetime | None = None) -> None:
        """Note that the data of the base ``base_id`` holds these prompts, as of ``since`` (None: as of now).

        The newest note of a prompt wins, and one without ``since`` is newer than all before it.
        """
        with self.transaction():
            if since is None:
                (last,) = self._connection.execute("SELECT COALESCE(MAX(number), 0) FROM prompts").fetchone()
                number = max(last + 1, _microseconds(datetime.now(UTC)))
            else:
                number = _microseconds(since)
            self.forget_prompts(base_id)
            self._connection.executemany(
                "INSERT INTO prompts (digest, job, number) VALUES (?, ?, ?)",
                ((digest, base_id, number) for digest in digests),
            )

    def forget_prompts(self, base_id: str) -> None:
        """Forget what was noted of this base."""
        with self._lock:
            self._connection.execute("DELETE FROM prompts WHERE job = ?", (base_id,))

    def knows_base(self, base_id: str) -> bool:
        """Whether anything is noted of this base."""
        with self._lock:
            row = self._connection.execute("SELECT 1 FROM prompts WHERE job = ? LIMIT 1", (base_id,)).fetchone()
        return row is not None

    def knows_prompt(self, digest: str) -> bool:
        """Whether the data of any base hold this very prompt."""
        with self._lock:
            row = self._connection.execute("SELECT 1 FROM prompts WHERE digest = ? LIMIT 1", (digest,)).fetchone()
        return row is not None

    def base_of_prompt(self, digest: str) -> str | None:
        """The id of the newest base whose data holds the prompt, else of the newest base, else None."""
        newest = "ORDER BY number DESC, rowid DESC LIMIT 1"
        with self._lock:
            # What is put into the text is the constant above.
            of_prompt = f"SELECT job FROM prompts WHERE digest = ? {newest}"  # nosec B608
            row = self._connection.execute(of_prompt, (digest,)).fetchone()
            if row is None:
                row = self._connection.execute(f"SELECT job FROM prompts {newest}").fetchone()  # nosec B608
        return str(row[0]) if row else None


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
