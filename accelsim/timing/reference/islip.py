"""iSLIP with one iteration: round-robin grant, round-robin accept, pointers move only on an accepted match.

Source: N. McKeown, The iSLIP scheduling algorithm for input-queued switches, IEEE/ACM Trans. Networking 7(2), 1999; the
allocator of BookSim2's ``iq_router``.
"""

from collections.abc import Iterable, Mapping, MutableSequence


def nearest(candidates: Iterable[int], pointer: int, size: int) -> int:
    """Return the candidate first met when counting upwards from ``pointer`` modulo ``size``."""
    return min(candidates, key=lambda candidate: (candidate - pointer) % size)


def islip(
    requests: Mapping[int, Iterable[int]],
    grant_pointers: MutableSequence[int],
    accept_pointers: MutableSequence[int],
) -> dict[int, int]:
    """Match inputs to outputs.

    Parameters
    ----------
    requests : mapping of input to outputs
        Outputs that each input asks for.
    grant_pointers : (outputs,)
        Each output's round-robin position among inputs; updated.
    accept_pointers : (inputs,)
        Each input's position among outputs; updated.

    Returns
    -------
    dict
        Output of each matched input.
    """
    asking: dict[int, list[int]] = {}
    for source, outputs in requests.items():
        for output in outputs:
            asking.setdefault(output, []).append(source)
    granted: dict[int, list[int]] = {}
    for output, sources in asking.items():
        winner = nearest(sources, grant_pointers[output], len(accept_pointers))
        granted.setdefault(winner, []).append(output)
    matches = {}
    for source, outputs in granted.items():
        output = nearest(outputs, accept_pointers[source], len(grant_pointers))
        matches[source] = output
        grant_pointers[output] = (source + 1) % len(accept_pointers)
        accept_pointers[source] = (output + 1) % len(grant_pointers)
    return matches
