"""Arrays without reference counts, for kernels that pass tuples of arrays around.

Numba increments a reference count, with an atomic operation that it often cannot remove, whenever
an array is taken out of a tuple; in the monthly pass that was half of the time. A borrowed array
has no owner to count: the caller keeps the real one alive while the kernel runs. A kernel that
borrows an array it has allocated itself calls `hold(array)` at its end; otherwise Numba frees the
array after its last use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, config, types
from numba.core.caching import FunctionCache
from numba.core.errors import TypingError
from numba.core.extending import intrinsic
from numba.np.arrayobj import make_array

from sim.core.numba_cache import tolerate_failures

tolerate_failures(FunctionCache)  # before the first kernel is compiled

INLINED: Any = {
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Options of njit for functions that only kernels call. Without the code that takes their arguments
from Python, which for a scene of 80 arrays takes longer to compile than the function."""

_PLAIN = (types.Number, types.Boolean, types.NoneType)

_NAMED: Any = types.BaseNamedTuple  # a NamedUniTuple, too: all members of one type


def _refuse(kind: Any) -> None:
    """Raise TypingError if a value of this type cannot be borrowed.

    A value that is returned as it is, but counts references, would be released once too often.
    """
    if isinstance(kind, _NAMED):
        for member in kind.types:
            _refuse(member)
    elif not isinstance(kind, (types.Array, *_PLAIN)):
        raise TypingError(f"borrow takes arrays, numbers and named tuples of these, not {kind}")


def _without_owner(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, _NAMED):
        members = [
            _without_owner(context, builder, member, builder.extract_value(value, k))
            for k, member in enumerate(kind.types)
        ]
        return context.make_tuple(builder, kind, members)
    if not isinstance(kind, types.Array):
        return value
    array = make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()  # noqa: SLF001  (numba's own way to read a struct)


def _borrow(typingctx: Any, value: Any) -> Any:
    """The same array, or the same named tuple of arrays, numbers and named tuples, without owners.

    Raises TypingError for anything else.
    """
    _refuse(value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return _without_owner(context, builder, signature.args[0], args[0])

    return value(value), codegen


def _itself(value: Any) -> Any:
    """Kernels that run as plain Python (NUMBA_DISABLE_JIT) have nothing to borrow."""
    return value


borrow: Callable[[Any], Any] = _itself if config.DISABLE_JIT else intrinsic(_borrow)  # type: ignore[attr-defined, assignment]
"""borrow(x): x without owners; inside kernels only."""


def _hold(typingctx: Any, value: Any) -> Any:
    """Keeps x alive until here. Compiles to nothing."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> ir.Value:
        return context.get_dummy_value()

    return types.void(value), codegen


def _no_hold(value: Any) -> None:
    """Plain Python keeps an array alive as long as it is referred to."""


hold: Callable[[Any], None] = _no_hold if config.DISABLE_JIT else intrinsic(_hold)  # type: ignore[attr-defined, assignment]
"""hold(x): keeps x alive until here; inside kernels only."""


def _prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Fetch the cache line of array[index], or of the beginning of that row, for reading and
    writing."""

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


def _no_fetch(array: Any, index: Any) -> None:
    """Kernels that run as plain Python (NUMBA_DISABLE_JIT) prefetch nothing."""


prefetch: Callable[[Any, Any], None] = _no_fetch if config.DISABLE_JIT else intrinsic(_prefetch)  # type: ignore[attr-defined, assignment]
"""prefetch(array, index): fetch a cache line ahead of its use; inside kernels only."""
