"""What a recipe needs to be right before hours of training: machines, samples, and input that fits the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from accelsim.errors import AccelsimError, TrainingError
from accelsim.hardware.loader import load_machine
from accelsim.pipeline.names import unknown_names
from accelsim.training.data.dataset import Dataset
from accelsim.training.recipe_spec import HardwareSpec, RecipeSpec


def check(spec: RecipeSpec, machines: Sequence[HardwareSpec], data: Dataset) -> None:
    """Refuse what would end a recipe after its training, as far as the network that it ends in is not needed.

    Parameters
    ----------
    spec : RecipeSpec
    machines : sequence of HardwareSpec
        All that networks are judged on.
    data : Dataset

    Raises
    ------
    TrainingError
        If a machine is wrong, two have one label, there are fewer test samples than a run takes, frames of events and
        images are mixed up, or a stage asks for more timesteps than samples have.
    """
    twice = [label for label, number in Counter(item.label for item in spec.hardware).items() if number > 1]
    if twice:
        raise TrainingError(f"hardware: expected a name of its own for every machine, got {twice[0]} twice")
    for machine in machines:
        try:
            wrong = unknown_names(load_machine(machine.chip, machine.overrides))
        except AccelsimError as error:
            raise TrainingError(f"hardware {machine.label}: {error}") from None
        if wrong:
            raise TrainingError(f"hardware {machine.label}: {wrong[0]}")
    if spec.samples > len(data.test):
        raise TrainingError(f"samples: expected at most the {len(data.test)} test samples, got {spec.samples}")
    if data.events != (spec.input.kind == "frames"):
        expected = "frames" if data.events else "poisson or graded"
        raise TrainingError(f"input.kind: expected {expected} for {data.name}, got {spec.input.kind}")
    for timesteps in spec.input_timesteps:
        spec.input.code(timesteps).test(data.test.inputs[:1], 0)
