"""``compiled``: the numba event loop; a chunk runs without the interpreter lock."""

from accelsim.timing.compiled.run import run_jobs
from accelsim.timing.engine import ENGINES

ENGINES.register("compiled")(run_jobs)
