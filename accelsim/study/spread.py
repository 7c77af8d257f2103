"""One big run on a Dask cluster: chunks of (sample, step) jobs of one machine, simulated by its workers.

Steps and samples are independent of each other, and counts are sums of integers, so a run that is spread is equal to
one that is not. The machine with its work goes to every worker once; a worker that dies loses nothing but time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from accelsim.errors import AccelsimError
from accelsim.study.cluster import connect
from accelsim.study.extra import load_extra
from accelsim.timing.engine import Chunk
from accelsim.timing.machine import Machine
from accelsim.timing.simulate import Spread, run_chunk


@contextmanager
def spread_over(address: str) -> Iterator[tuple[Spread, int]]:
    """Give what simulates chunks on a cluster, and how many threads its workers have.

    Parameters
    ----------
    address : str
        ``tcp://host:8786``.

    Raises
    ------
    AccelsimError
        If Dask is not installed, or nobody answers.
    """
    client = connect(address)
    completed = load_extra("distributed", "--scheduler").as_completed

    def spread(machine: Machine, engine: str, chunks: list[tuple[int, int]]) -> Iterator[Chunk]:
        there = client.scatter(replace(machine), broadcast=True, hash=False)
        ready = completed(loop=client.loop, raise_errors=False)
        left = iter(chunks)
        held = 0

        def give(room: int) -> int:
            given = 0
            for first, jobs in left:
                ready.add(client.submit(run_chunk, engine, there, first, jobs, pure=False))
                given += 1
                if given >= room:
                    break
            return given

        held = give(2 * threads)
        while held:
            future = next(ready)
            if future.status != "finished":
                error: Any = future.exception() if future.status == "error" else future.status
                if isinstance(error, AccelsimError):
                    raise error
                raise AccelsimError(f"--scheduler {address}: the cluster gave a part of the run up: {error}")
            yield future.result()
            future.release()
            held += give(1) - 1

    threads = max(1, sum(client.nthreads().values()))
    try:
        yield spread, threads
    finally:
        client.close(timeout=5)
