"""Processor time of BookSim2 and of the compiled engine for the same network, load and cycles.

``BOOKSIM=path/to/booksim python bench_booksim.py``; any build of BookSim2 as published. Its own random traffic and ours
have the same load, pattern and length; a flit-hop is a flit that leaves a router, towards its terminal included.
"""

import os
import re
import resource
import subprocess
import tempfile
from pathlib import Path

from common import measure, print_table, quantity

from accelsim.hardware.spec import RouterSpec
from accelsim.timing.compiled.packets import run_packets
from accelsim.validation.load import Setting, mesh_tables
from accelsim.validation.traffic import bernoulli, uniform

PERIOD, PERIODS = 1000, 6
CASES = (
    (4, 1, 8, 1, 0.10), (4, 4, 8, 1, 0.40), (8, 1, 8, 1, 0.05), (8, 1, 8, 1, 0.12), (8, 4, 8, 1, 0.30),
    (8, 4, 8, 5, 0.30), (16, 1, 8, 1, 0.03),
)  # fmt: skip
"""Side of the mesh, channels, buffer, flits per packet, flits per node and cycle."""

CONFIG = """\
topology = mesh; n = 2; routing_function = dor; traffic = uniform; injection_rate_uses_flits = 1;
vc_allocator = islip; sw_allocator = islip; credit_delay = 1; routing_delay = 1; sim_type = latency;
warmup_periods = 3; stopping_thres = -1.0; acc_stopping_thres = -1.0; latency_thres = -1.0;
"""


def booksim(binary: str, case: tuple[int, int, int, int, float]) -> tuple[float, float]:
    """Return (processor seconds, flit-hops) of a run of BookSim2."""
    side, channels, buffer, flits, load = case
    own = (
        f"k = {side}; num_vcs = {channels}; vc_buf_size = {buffer}; packet_size = {flits}; injection_rate = {load};\n"
        f"sample_period = {PERIOD}; max_samples = {PERIODS};\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "network.cfg"
        config.write_text(CONFIG + own)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([binary, str(config)], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)

    def said(pattern: str) -> float:
        found = re.findall(rf"{pattern}\s*=?\s*([\d.]+)", done.stdout)
        if not found:  # the exit code does not tell: it is 255 after a run that went well
            raise SystemExit(f"{binary}: no {pattern!r} in its output:\n{done.stdout[-500:]}{done.stderr[-500:]}")
        return float(found[-1])

    cycles = said("Time taken is")
    hops = said("Accepted flit rate average") * side**2 * cycles * said("Hops average")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, hops


def main() -> None:
    binary = os.environ.get("BOOKSIM")
    if not binary:
        print("bench_booksim: skipped, BOOKSIM is not set to the path of a booksim binary")
        return
    rows = []
    for case in CASES:
        side, channels, buffer, flits, load = case
        router = RouterSpec(
            virtual_channels=channels, buffer_flits=buffer, routing_delay=1, speculative=False, vc_alloc_delay=1,
            switch_alloc_delay=1, switch_delay=1, link_delay=1, credit_delay=1,
        )  # fmt: skip
        network = mesh_tables(Setting(side, router, "uniform", flits))
        trace = bernoulli(uniform(side), load, flits, (PERIOD * PERIODS,), 1)
        hops = int(run_packets(network, trace).link_flits.sum())
        ours = hops / measure(lambda n=network, t=trace: run_packets(n, t)).processor
        seconds, moved = booksim(binary, case)
        theirs = moved / seconds
        rates = quantity(ours), quantity(theirs), f"{ours / theirs:.1f}"
        rows.append((f"{side}x{side}", f"{channels}x{buffer}", flits, load, quantity(hops), quantity(moved), *rates))
    head = ("mesh", "VCs x buffer", "flits", "load", "flit-hops", "BookSim2's", "flit-hops/s", "BookSim2's", "ratio")
    print_table("Routers against BookSim2, uniform random traffic", head, rows)


if __name__ == "__main__":
    main()
