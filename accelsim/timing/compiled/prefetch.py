"""A hint to the processor: this element is read soon.

The state of a large chip does not fit the fastest caches, but what a step looks at next is known some events ahead.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from accelsim.kernels import inlined

_READ, _KEEP, _DATA = 0, 3, 1


@intrinsic
def _prefetch(_context: Any, array: Any, _index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, arguments[0]).data  # type: ignore[no-untyped-call]
        place = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        hint = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(hint, [place, *(ir.Constant(number, item) for item in (_READ, _KEEP, _DATA))])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@inlined
def prefetch(array: Any, index: int) -> None:
    """Begin to load ``array[index]`` into the cache; ``array`` has one axis."""
    _prefetch(array, index)  # type: ignore[call-arg]
