"""What ``network.quantize`` and ``network.prune`` of a ``workload.yaml`` say."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from accelsim.hardware.quantities import Count, Spec
from accelsim.network.pruning.pruner import PRUNERS, Pruning
from accelsim.network.quantize import GRID, Quantization
from accelsim.network.quantize_levels import MAX_BITS, MAX_POWER_BITS


def _bits(value: int | str) -> int | str:
    if value in {"ternary", "binary"} or (isinstance(value, int) and 2 <= value <= 16):
        return value
    raise ValueError(f"expected 2..16, 'ternary' or 'binary', got {value!r}")


class QuantizeSpec(Spec):
    """How float32 weights become integers."""

    bits: Annotated[Annotated[int, Field(strict=True)] | str, AfterValidator(_bits)]
    granularity: Literal["tensor", "channel"]
    scheme: Literal["symmetric", "asymmetric", "power_of_two"] = "symmetric"

    @model_validator(mode="after")
    def _fits(self) -> "QuantizeSpec":
        most = {"asymmetric": MAX_BITS - 1, "power_of_two": MAX_POWER_BITS}.get(self.scheme)
        if most is not None and not (isinstance(self.bits, int) and self.bits <= most):
            raise ValueError(f"expected bits 2..{most} with scheme {self.scheme}, got bits: {self.bits}")
        return self


def quantization(spec: "QuantizeSpec | Literal['none', 'grid']") -> Quantization | None:
    """Return how the weights become integers; None where they stay float32."""
    if isinstance(spec, str):
        return GRID if spec == "grid" else None
    return Quantization(spec.bits, spec.granularity, spec.scheme)  # type: ignore[arg-type]


def _method(name: str) -> str:
    if name not in PRUNERS.names():
        raise ValueError(f"expected a known pruning method, got {name!r}. Known: {', '.join(PRUNERS.names())}")
    return name


class PruneSpec(Spec):
    """What is removed before weights are quantised."""

    method: Annotated[str, AfterValidator(_method)]
    sparsity: Annotated[float, Field(strict=True, gt=0, lt=1)] | None = None
    scope: Literal["layer", "global"] | None = None
    n: Annotated[Count, Field(le=64)] | None = None
    m: Annotated[Count, Field(le=64)] | None = None
    keep: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> "PruneSpec":
        needs = PRUNERS.get(self.method).needs
        for key in ("sparsity", "scope", "n", "m"):
            value: Any = getattr(self, key)
            if key in needs and value is None:
                raise ValueError(f"expected {key} with method {self.method}, got nothing: the key is missing")
            if key not in needs and value is not None:
                raise ValueError(f"expected no {key} with method {self.method}, got {key}: {value}")
        if self.n is not None and self.m is not None and self.n >= self.m:
            raise ValueError(f"expected n below m, got n: {self.n}, m: {self.m}")
        return self

    def pruning(self) -> Pruning:
        """Return the options of the method."""
        return Pruning(self.method, self.sparsity, self.scope, self.n, self.m, self.keep)
