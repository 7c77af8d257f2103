"""The truth of a study: one SQLite file, written by one process, safe at any moment.

Write-ahead logging: a point is committed whole or not at all, and readers never wait. A *plan* is one enumeration of
the study file; points carry the number of the last plan that asked for them, so that results of older files stay and
are used again when the file says so again.
"""

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from accelsim.errors import AccelsimError
from accelsim.study.constraints import Judge
from accelsim.study.task import Outcome, Task

FILE: Final = "study.sqlite"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS documents (sha TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS quantities (name TEXT PRIMARY KEY, unit TEXT NOT NULL, definition TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS points (
    id TEXT PRIMARY KEY, plan INTEGER NOT NULL, number INTEGER NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL,
    axes TEXT NOT NULL, totals TEXT NOT NULL, violations TEXT NOT NULL, configuration TEXT NOT NULL,
    seconds REAL NOT NULL, engine_seconds REAL NOT NULL, worker TEXT NOT NULL, finished REAL NOT NULL);
CREATE INDEX IF NOT EXISTS points_of_plan ON points (plan, number);
"""


class StudyFileError(AccelsimError):
    """A study's database is missing, locked, damaged or of another version."""


class Database:
    """Points of a study on disk.

    Parameters
    ----------
    path : Path
        The file.
    write : bool
        Whether to make it where it does not exist, and to write.

    Raises
    ------
    StudyFileError
        If it cannot be opened or is no study.
    """

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        if not write and not path.is_file():
            raise StudyFileError(f"{path}: expected a study, got no such file")
        try:
            mode = "rwc" if write else "ro"
            self._sql = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=30,
                                        isolation_level=None)  # fmt: skip
            if write:
                self._sql.execute("PRAGMA journal_mode=WAL")
                self._sql.execute("PRAGMA synchronous=NORMAL")
                self._sql.executescript(_SCHEMA)
            version = self.fact("version")
        except sqlite3.Error as error:
            raise StudyFileError(f"{path}: expected a study, got a file that SQLite refuses: {error}") from None
        self._quantities: set[str] = set()
        if version is None and write:
            self.set_fact("version", _VERSION)
        elif version != _VERSION:
            raise StudyFileError(f"{path}: expected a study of version {_VERSION}, got version {version}")

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def fact(self, name: str) -> Any:
        """Return something noted about the study, or None."""
        row = self._sql.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Note something about the study."""
        self._sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def begin_plan(self, facts: Mapping[str, Any]) -> int:
        """Begin a new enumeration of the study file; return its number."""
        plan = int(self.fact("plan") or 0) + 1
        with self._transaction():
            self.set_fact("plan", plan)
            for name, value in facts.items():
                self.set_fact(name, value)
        return plan

    def add_documents(self, documents: Mapping[str, dict[str, Any]]) -> None:
        """Keep descriptions by their hash."""
        rows = [(sha, json.dumps(body)) for sha, body in documents.items()]
        self._sql.executemany("INSERT OR IGNORE INTO documents VALUES (?, ?)", rows)

    def document(self, sha: str) -> dict[str, Any]:
        """Return a description by its hash."""
        row = self._sql.execute("SELECT body FROM documents WHERE sha = ?", (sha,)).fetchone()
        if row is None:
            raise StudyFileError(f"{self.path}: no description {sha}")
        body: dict[str, Any] = json.loads(row[0])
        return body

    def claim(self, plan: int, numbered: Iterable[tuple[int, Task]], judge: Judge) -> set[str]:
        """Take committed points into a plan; return the identities of those that are there.

        A point that the plan has already keeps its place. Others are judged by the constraints of today; those that the
        judge wants evaluated again are left out.
        """
        found = set()
        query = "SELECT plan, status, totals FROM points WHERE id = ?"
        change = "UPDATE points SET plan = ?, number = ?, axes = ?, status = ?, violations = ? WHERE id = ?"
        with self._transaction():
            for number, task in numbered:
                row = self._sql.execute(query, (task.id,)).fetchone()
                if row is None:
                    continue
                if row[0] == plan:
                    found.add(task.id)
                    continue
                judged = judge(row[1], {name: _loaded(value) for name, value in json.loads(row[2]).items()}, task)
                if judged is None:
                    continue
                found.add(task.id)
                status, broken = judged
                values = (json.dumps(task.axes), status, json.dumps({k: _stored(v) for k, v in broken.items()}))
                self._sql.execute(change, (plan, number, *values, task.id))
        return found

    def commit(self, plan: int, number: int, task: Task, outcome: Outcome) -> None:
        """Commit what came out of a point; the result of a point that is there replaces it."""
        with self._transaction():
            fresh = [(name, *told) for name, told in outcome.quantities.items() if name not in self._quantities]
            self._sql.executemany("INSERT OR IGNORE INTO quantities VALUES (?, ?, ?)", fresh)
            self._sql.execute(
                "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    task.id, plan, number, outcome.status, outcome.error, json.dumps(task.axes),
                    json.dumps({name: _stored(value) for name, value in outcome.totals.items()}),
                    json.dumps({name: _stored(value) for name, value in outcome.violations.items()}),
                    json.dumps(task.configuration()), outcome.seconds, outcome.engine_seconds, outcome.worker,
                    time.time(),
                ),
            )  # fmt: skip
        self._quantities |= outcome.quantities.keys()

    def rows(self, *, everything: bool = False) -> Iterator[dict[str, Any]]:
        """Yield points of the last plan, or all that were ever committed, in order."""
        columns = ("id", "number", "status", "error", "axes", "totals", "violations", "seconds", "engine_seconds",
                   "worker", "finished")  # fmt: skip
        where = "" if everything else "WHERE plan = (SELECT value FROM facts WHERE name = 'plan')"
        query = f"SELECT {', '.join(columns)} FROM points {where} ORDER BY plan, number, id"  # noqa: S608 - no input
        for row in self._sql.execute(query):
            item = dict(zip(columns, row, strict=True))
            item["axes"] = json.loads(item["axes"])
            for key in ("totals", "violations"):
                item[key] = {name: _loaded(value) for name, value in json.loads(item[key]).items()}
            yield item

    def outcome(self, point: str) -> dict[str, Any] | None:
        """Return ``plan``, ``status``, ``totals`` and ``violations`` of a point, or None where it is not there."""
        query = "SELECT plan, status, totals, violations FROM points WHERE id = ?"
        row = self._sql.execute(query, (point,)).fetchone()
        if row is None:
            return None
        totals, violations = ({name: _loaded(value) for name, value in json.loads(text).items()} for text in row[2:])
        return {"plan": row[0], "status": row[1], "totals": totals, "violations": violations}

    def matching(self, prefix: str) -> list[str]:
        """Return the identities that begin with ``prefix``, a few at most."""
        end = prefix + "g"  # above every hexadecimal digit
        query = "SELECT id FROM points WHERE id >= ? AND id < ? ORDER BY id LIMIT 5"
        return [row[0] for row in self._sql.execute(query, (prefix, end))]

    def configuration(self, point: str) -> dict[str, Any]:
        """Return the stored configuration of a point."""
        row = self._sql.execute("SELECT configuration FROM points WHERE id = ?", (point,)).fetchone()
        if row is None:
            raise StudyFileError(f"{self.path}: no point {point}")
        found: dict[str, Any] = json.loads(row[0])
        return found

    def quantities(self) -> dict[str, tuple[str, str]]:
        """Return unit and definition of every total."""
        return {name: (unit, text) for name, unit, text in self._sql.execute("SELECT * FROM quantities ORDER BY rowid")}

    def counts(self) -> dict[str, int]:
        """Return points of the last plan by status."""
        where = "plan = (SELECT value FROM facts WHERE name = 'plan')"
        return dict(self._sql.execute(f"SELECT status, COUNT(*) FROM points WHERE {where} GROUP BY status"))  # noqa: S608

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._sql)


class _Transaction:
    def __init__(self, sql: sqlite3.Connection) -> None:
        self._sql = sql

    def __enter__(self) -> None:
        self._sql.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._sql.execute("COMMIT" if error is None else "ROLLBACK")


def _stored(value: float) -> float | str | None:
    """Return a number in JSON's words: NaN is null."""
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _loaded(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
