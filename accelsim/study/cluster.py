"""Workers of an existing Dask cluster, on this machine or on many.

No more tasks are handed out than there are threads of workers, so that the scheduler holds little and a driver that is
killed leaves at most one point per worker undone. The scheduler gives the tasks of a worker that dies to others; a task
that takes several workers with it is a failed point.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

from accelsim.errors import AccelsimError, ConfigError
from accelsim.study.extra import load_extra
from accelsim.study.identity import model_digest
from accelsim.study.local import Numbered
from accelsim.study.task import FAILED, Outcome, Task

_PATIENCE: Final = 30
"""Seconds to find the scheduler."""
_LOOK_AGAIN: Final = 2.0
"""Seconds between two counts of the workers."""


def connect(address: str) -> Any:
    """Return a client of a Dask scheduler.

    Raises
    ------
    AccelsimError
        If Dask is not installed, or nobody answers.
    """
    distributed = load_extra("distributed", "--scheduler")
    try:
        return distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(f"--scheduler {address}: expected a Dask scheduler, got: {error}") from None


class Cluster:
    """Workers behind a Dask scheduler.

    Parameters
    ----------
    address : str
        ``tcp://host:8786``.
    plugins : tuple of str
        Modules, or files that every worker sees under the same path.

    Raises
    ------
    AccelsimError
        If Dask is not installed, or nobody answers.
    """

    def __init__(self, address: str, plugins: tuple[str, ...] = ()) -> None:
        distributed = load_extra("distributed", "--scheduler")
        self._address, self._plugins = address, plugins
        self._client = connect(address)
        self._completed = distributed.as_completed
        self._killed = distributed.scheduler.KilledWorker
        self._looked = -_LOOK_AGAIN
        self._threads = 1

    def run(self, tasks: Iterator[Numbered]) -> Iterator[tuple[int, Task, Outcome]]:
        """Evaluate tasks; outcomes come in the order in which they are ready."""
        from accelsim.study.remote import evaluate  # noqa: PLC0415 - loads the engines

        session, model = uuid.uuid4().hex[:8], model_digest()
        given: dict[Any, Numbered] = {}
        ready = self._completed(loop=self._client.loop, raise_errors=False)

        def fill() -> None:
            while len(given) < self.room():
                numbered = next(tasks, None)
                if numbered is None:
                    return
                key = f"accelsim-{session}-{numbered[1].id}-{len(numbered[1].axes)}-{numbered[0]}"
                future = self._client.submit(evaluate, numbered[1], self._plugins, model, key=key, pure=False)
                given[future] = numbered
                ready.add(future)

        try:
            fill()
            while given:
                future = next(ready)
                number, task = given[future]
                outcome = self._outcome(future, task)
                yield number, task, outcome
                del given[future]
                future.release()
                fill()
        finally:
            if given:
                self._client.cancel(list(given))

    def room(self) -> int:
        """Return the threads of all workers: at least one, so that a cluster may still be starting."""
        now = time.monotonic()
        if now - self._looked > _LOOK_AGAIN:
            self._threads = max(1, sum(self._client.nthreads().values()))
            self._looked = now
        return self._threads

    def close(self) -> None:
        """Leave the cluster as it is."""
        self._client.close(timeout=5)

    def _outcome(self, future: Any, task: Task) -> Outcome:
        if future.status == "finished":
            found: Outcome = future.result()
            return found
        error = future.exception() if future.status == "error" else None
        if isinstance(error, self._killed):
            return Outcome(task.id, FAILED, error=f"workers died of this point: {error}"[:1000])
        if isinstance(error, AccelsimError):
            raise error
        raise AccelsimError(f"--scheduler {self._address}: the cluster gave a point up: {error or future.status}")
