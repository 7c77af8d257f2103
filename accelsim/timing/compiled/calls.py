"""Which routers are evaluated: in this cycle, in the next one, or when something that is under way arrives."""

from accelsim.kernels import inlined
from accelsim.timing.compiled.state import DUE_ROUTERS, EJECTED_FLITS, NEXT_ROUTERS, NocState
from accelsim.timing.compiled.wheel import CALL, next_occupied, post


@inlined
def call_now(state: NocState, router: int, now: int) -> None:
    """Have a router evaluated in this cycle."""
    if state.router[router].due_at != now:
        state.router[router].due_at = now
        state.due[state.scalars[DUE_ROUTERS]] = router
        state.scalars[DUE_ROUTERS] += 1


@inlined
def call_next(state: NocState, router: int, now: int) -> None:
    """Have a router evaluated in the next cycle."""
    if state.router[router].next_at != now + 1:
        state.router[router].next_at = now + 1
        state.following[state.scalars[NEXT_ROUTERS]] = router
        state.scalars[NEXT_ROUTERS] += 1


@inlined
def call_when_routed(state: NocState, router: int, ready: int, now: int) -> None:
    """Have a router evaluated when a head has been routed."""
    if ready == now:
        call_now(state, router, now)
    elif ready == now + 1:
        call_next(state, router, now)
    else:
        post(state.wheel, ready, CALL, router, 0)


@inlined
def begin_cycle(state: NocState, now: int) -> None:
    """Make the routers called for this cycle due."""
    called = state.scalars[NEXT_ROUTERS]
    state.scalars[EJECTED_FLITS] = 0
    state.scalars[DUE_ROUTERS] = 0
    state.scalars[NEXT_ROUTERS] = 0
    for k in range(called):
        call_now(state, state.following[k], now)


@inlined
def next_event(state: NocState, now: int) -> int:
    """Return the next cycle in which the network has something to do, or -1."""
    if state.scalars[NEXT_ROUTERS] > 0:
        return now + 1
    return next_occupied(state.wheel, now)
