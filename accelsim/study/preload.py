"""What the server process imports and sets up once, before workers are forked off it.

Numba makes its tables of types on the first call of any kernel, half a second of work; kernels themselves are read from
the cache by each worker, when it needs them.
"""

import numpy as np

import accelsim.study.evaluate
from accelsim.compression.format import WEIGHT_FORMATS
from accelsim.hardware.sources.base import SRAM_SOURCES
from accelsim.hardware.topologies.topology import TOPOLOGIES
from accelsim.mapping.kernels import count_runs
from accelsim.network.encodings.encoding import ENCODINGS
from accelsim.network.importers.importer import IMPORTERS
from accelsim.neurons.model import NEURON_MODELS
from accelsim.timing.engine import ENGINES

for registry in (WEIGHT_FORMATS, SRAM_SOURCES, TOPOLOGIES, ENCODINGS, IMPORTERS, NEURON_MODELS, ENGINES):
    registry.names()
NOTHING = np.zeros(0, np.int32)
count_runs(NOTHING, NOTHING, NOTHING, np.zeros((0, 0), np.int32))

__all__ = ["accelsim"]
