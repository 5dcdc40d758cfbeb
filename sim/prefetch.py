"""Ask the processor for a row before it is needed.

The few people who pass the screen stand far apart: without this, a kernel
waits for the memory at each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array


def _prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Start loading array[index], or the beginning of that row, for reading and writing."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        kind, array = signature.args[0], make_array(signature.args[0])(context, builder, args[0])
        first = [context.get_constant(types.intp, 0)] * (kind.ndim - 1)
        item = cgutils.get_item_pointer(context, builder, kind, array, [args[1], *first])
        place = builder.bitcast(item, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        asked = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        call = cgutils.get_or_insert_function(builder.module, asked, "llvm.prefetch.p0")
        builder.call(call, [place, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


def _nothing(array: Any, index: Any) -> None:
    """Kernels that run as plain Python (NUMBA_DISABLE_JIT) do not wait for memory."""


prefetch: Callable[[Any, Any], None] = _nothing if config.DISABLE_JIT else intrinsic(_prefetch)  # type: ignore[attr-defined, assignment]
"""prefetch(array, index); inside kernels only."""
