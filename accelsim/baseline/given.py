"""An ANN of the user's for the baseline: a network file whose integrate-and-fire nodes stand for rectifiers.

NIR has no rectifier, so an IF node does its work: ``a = max(0, r z / v_threshold)``. Leak, reset and timestep have no
meaning here; nodes with a leak are refused.
"""

from pathlib import Path

from accelsim.errors import NetworkError
from accelsim.network.graph import Network
from accelsim.network.importers.importer import ImportOptions, import_network
from accelsim.neurons.integrate_fire import IF

_AS_RECTIFIERS = ImportOptions(dialect="euler", dt=1.0, reset="subtract", threshold_op=">=")


def load_ann(path: Path, network: Network) -> Network:
    """Read an ANN for the inputs and classes of ``network``.

    Raises
    ------
    NetworkError
        If the file cannot be represented, has other inputs or outputs, or a node that is no rectifier.
    """
    try:
        ann = import_network(path, _AS_RECTIFIERS)
    except NetworkError as error:
        raise NetworkError(f"as an ANN, in which IF nodes stand for rectifiers: {error}") from error
    for side, given, wanted in (("inputs", ann.input, network.input), ("outputs", ann.output, network.output)):
        if given.size != wanted.size:
            raise NetworkError(f"{path}: an ANN with {given.size} {side} beside a network with {wanted.size}")
    for name, population in ann.populations.items():
        model = population.model
        if model is not None and model.spiking and not isinstance(model, IF):
            raise NetworkError(
                f"{path}: {name}: expected IF nodes, which stand for rectifiers, got {type(model).__name__}"
            )
    return ann
