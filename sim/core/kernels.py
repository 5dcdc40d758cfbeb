"""Arrays without reference counts, for kernels that pass tuples of arrays around.

Numba counts a reference whenever an array is taken out of a tuple, with an atomic operation that
it often cannot remove; in the monthly pass that was half of the time. A borrowed array has no
owner to count: the caller keeps the real one alive while the kernel runs. A kernel that borrows a
buffer of its own says `hold(buffer)` at its end, or the buffer is gone after its last mention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if not isinstance(kind, types.Array):
        return value
    array = make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()  # noqa: SLF001  (numba's own way to read a struct)


def _borrow(typingctx: Any, value: Any) -> Any:
    """The same array, or the same named tuple of arrays and scalars, without owners."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        kind, given = signature.args[0], args[0]
        if not isinstance(kind, types.NamedTuple):
            return _without_owner(context, builder, kind, given)
        members = [
            _without_owner(context, builder, member, builder.extract_value(given, k))
            for k, member in enumerate(kind.types)
        ]
        return context.make_tuple(builder, kind, members)

    return value(value), codegen


def _itself(value: Any) -> Any:
    """Kernels that run as plain Python (NUMBA_DISABLE_JIT) have nothing to borrow."""
    return value


borrow: Callable[[Any], Any] = _itself if config.DISABLE_JIT else intrinsic(_borrow)  # type: ignore[attr-defined, assignment]
"""borrow(x): x without owners; inside kernels only."""


def _hold(typingctx: Any, value: Any) -> Any:
    """Nothing at all, but a mention: what is mentioned later is still alive now."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return context.get_dummy_value()

    return types.void(value), codegen


def _mention(value: Any) -> None:
    """Plain Python keeps what is borrowed alive by itself."""


hold: Callable[[Any], None] = _mention if config.DISABLE_JIT else intrinsic(_hold)  # type: ignore[attr-defined, assignment]
"""hold(x): x is alive until here; inside kernels only."""


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
