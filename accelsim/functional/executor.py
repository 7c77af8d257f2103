"""The functional executor: a network run on a batch of samples, without hardware time.

Modelled: the exact arithmetic of every neuron and synapse, timestep by timestep, with the delays that the projections
state (the schedule of a chip shifts populations later), or one timestep more on every one. Not modelled: anything that
depends on queueing, since on time-stepped digital hardware it does not change which neuron fires. Samples are
independent and start at rest, unless their state is carried from one to the next; results do not depend on the number
of threads or on how samples are grouped.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from accelsim.errors import EventError
from accelsim.functional.batch import Bitmaps, Held, Outcome, run_batch
from accelsim.functional.key import trace_key
from accelsim.functional.numerics import Numerics
from accelsim.functional.plan import Plan, make_plan
from accelsim.network.events import EventStream
from accelsim.network.graph import Network
from accelsim.trace.activity import ActivityTrace, PopulationActivity

_BATCH_BYTES = 8 << 20
"""Working memory of one batch: within a level-3 cache, and few enough batches that their set-up does not show."""

Progress = Callable[[int, int], None]


def execute(
    network: Network,
    events: EventStream,
    limits: Numerics,
    threads: int,
    progress: Progress | None = None,
    *,
    delay: int = 0,
    zeros_touch: bool = False,
    held: Held | None = None,
) -> ActivityTrace:
    """Run a network on its input and record what fired when.

    Parameters
    ----------
    network : Network
    events : EventStream
        Spikes; graded events (weight times value is accumulated); or a bias current, whose values at timestep 0 give a
        current of the first populations that is computed once and added in every timestep.
    limits : Numerics
        Widths of membranes and accumulators; none for float32.
    threads : int
        Batches that run at once, at least 1.
    progress : callable of (samples done, samples), optional
        Called in the calling thread after every batch.
    delay : int
        Timesteps added to the delay of every projection: 0, the network's own equations, or 1, where without another
        delay a population at timestep t sees what its sources, the input included, sent at t - 1.
    zeros_touch : bool
        Whether a weight of zero that a spike meets marks its target as touched, as where a chip adds stored zeros.
    held : Held, optional
        ``state: carry``: samples are windows of one stream. The first goes on from what is held, each from what the
        last one left, and what the last one leaves is held. A new ``Held()`` is at rest.

    Returns
    -------
    ActivityTrace
        ``touched`` also marks the neurons that a bias current reaches. ``output`` is in spikes, or in real units for a
        readout. ``overflows`` has ``NAME.accumulator`` and ``NAME.membrane`` for every population.

    Raises
    ------
    EventError
        If the events do not fit the input population, or a bias current meets a delay or a held state.
    NetworkError
        On mixed arithmetic, or a readout that feeds another population.
    ValueError
        On fewer than one thread, or a delay that is neither 0 nor 1.
    """
    if threads < 1:
        raise ValueError(f"threads: expected at least 1, got {threads}")
    if delay not in (0, 1):
        raise ValueError(f"delay: expected 0 or 1 timesteps, got {delay}")
    plan = make_plan(network, events, limits, delay=delay, zeros_touch=zeros_touch)
    if held is not None and events.kind == "bias_current":
        raise EventError("input: a bias current is given once per sample, but the state is carried: a stream has none")
    shape = (events.samples, events.timesteps)
    bitmaps = {
        stage.name: Bitmaps(*(np.empty((*shape, (stage.model.size + 7) // 8), dtype=np.uint8) for _ in range(2)))
        for stage in plan.stages
    }
    size = _batch_size(plan, threads) if held is None else 1

    def batch(first: int) -> Outcome:
        part = slice(first, min(first + size, events.samples))
        views = {name: Bitmaps(maps.touched[part], maps.nonzero[part]) for name, maps in bitmaps.items()}
        return run_batch(plan, first, part.stop - first, views, held)

    outcomes = [batch(0)]  # in this thread: kernels may have to be compiled, and an interrupt ends that at once
    with ThreadPoolExecutor(threads if held is None else 1) as pool:
        tasks = [pool.submit(batch, first) for first in range(size, events.samples, size)]
        try:
            for task in [None, *tasks]:
                if task is not None:
                    outcomes.append(task.result())
                if progress is not None:
                    progress(min(len(outcomes) * size, events.samples), events.samples)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return _trace(plan, bitmaps, outcomes)


def _batch_size(plan: Plan, threads: int) -> int:
    """Return samples per batch: within the cache, and enough batches for every thread."""
    fits = max(1, _BATCH_BYTES // plan.bytes_per_sample)
    return min(fits, -(-plan.events.samples // threads))


def _trace(plan: Plan, bitmaps: dict[str, Bitmaps], outcomes: list[Outcome]) -> ActivityTrace:
    events = plan.events
    none = np.empty((events.samples * events.timesteps, 0), dtype=np.uint8)
    populations = {plan.network.input.name: PopulationActivity(events.ptr, events.index, none, none)}
    for name in plan.network.populations:
        if name not in bitmaps:
            continue
        listed, index, count = (
            np.concatenate(parts) for parts in zip(*(outcome.sent.pop(name) for outcome in outcomes), strict=True)
        )
        maps = bitmaps[name]
        populations[name] = PopulationActivity(
            ptr=np.concatenate(([0], np.cumsum(listed, dtype=np.int64))),
            index=index,
            count=count if (count > 1).any() else None,
            touched=maps.touched.reshape(events.samples * events.timesteps, -1),
            nonzero=maps.nonzero.reshape(events.samples * events.timesteps, -1),
        )
    overflows = {key: sum(outcome.overflows[key] for outcome in outcomes) for key in outcomes[0].overflows}
    return ActivityTrace(
        key=trace_key(plan.network, events, plan.limits, delay=plan.delay, zeros_touch=plan.zeros_touch),
        samples=events.samples,
        timesteps=events.timesteps,
        populations=populations,
        output=np.concatenate([outcome.output for outcome in outcomes]),
        first_spike=np.concatenate([outcome.first_spike for outcome in outcomes]),
        overflows=overflows,
        peak=None if outcomes[0].peak is None else np.concatenate([_peak(outcome) for outcome in outcomes]),
    )


def _peak(outcome: Outcome) -> npt.NDArray[np.float64]:
    return outcome.output if outcome.peak is None else outcome.peak
