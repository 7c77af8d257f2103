"""``compiled``: the numba event loop; a chunk runs without the interpreter lock."""

from accelsim.timing.compiled.elastic import elastic_runner
from accelsim.timing.compiled.run import run_jobs
from accelsim.timing.engine import ELASTIC_ENGINES, ENGINES

ENGINES.register("compiled")(run_jobs)
ELASTIC_ENGINES.register("compiled")(elastic_runner)
