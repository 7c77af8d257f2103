"""What a Dask worker calls: one evaluator per thread, made on the first task and kept."""

import functools
import threading

from accelsim.errors import ConfigError
from accelsim.study.evaluate import Evaluator
from accelsim.study.identity import model_digest
from accelsim.study.task import Outcome, Task


def evaluate(task: Task, plugins: tuple[str, ...], model: str) -> Outcome:
    """Return what comes out of a task.

    Raises
    ------
    ConfigError
        If this worker runs another accelsim than the one that named the task.
    """
    if model != model_digest():
        raise ConfigError("expected the same accelsim on every worker, got one with other sources or tables")
    return _evaluator(plugins, threading.get_ident()).evaluate(task)


@functools.lru_cache(maxsize=64)
def _evaluator(plugins: tuple[str, ...], thread: int) -> Evaluator:  # noqa: ARG001 - the thread is a part of the key
    return Evaluator(plugins)
