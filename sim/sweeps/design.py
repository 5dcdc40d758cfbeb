"""The runs of a sweep as lines of overrides: products, pairs and quasi-random points.

Hydra's grammar reads the words; the lines are made here, before any launcher is asked, so that
the whole plan is known and checked first, and the same whatever launches it.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sim.config.files import country_of
from sim.config.folders import Configs, place_of
from sim.config.hydra import Glob, IntervalSweep, Override, RangeSweep, parse
from sim.config.yaml import read
from sim.core.errors import ConfigError, nearest

MOST_RUNS: Final = 100_000

FOLDER: Final = "sweep"

FIXED: Final = ("output", "threads")
"""Settings that all runs of a sweep share."""

Lines = list[list[str]]

Known = Mapping[str, list[str]]
"""Names of the files of each setting that is swept; none for a setting that is no group."""


class Design(NamedTuple):
    """How the values of a sweep are put together."""

    kind: str = ""  # product, zip, or a quasi-random one; "" = whatever the words need
    n: int | None = None  # quasi-random points
    seed: int = 0  # of their scrambling


def parsed(words: Sequence[str]) -> list[Override]:
    """The words as Hydra reads them. Raises ConfigError with every word that it cannot read."""
    found, problems = [], []
    for word in words:
        try:
            found.append(parse(word))
        except ValueError as error:
            problems.append(f"{word}: {error}")
    if problems:
        raise ConfigError(problems)
    return found


def from_file(name: str, configs: Configs) -> list[str]:
    """The words of `configs/sweep/<name>.yaml`, a mapping of settings to values to sweep."""
    file = f"{FOLDER}/{name}.yaml"
    known = configs.options(FOLDER)
    if name not in known:
        raise ConfigError(f"there is no sweep {name}.{nearest(name, known)}")
    document = read(configs.file(file).read_bytes(), configs.shown(file))
    if document.problems:
        raise ConfigError(document.problems)
    if not isinstance(document.value, dict):
        raise ConfigError(f"{document.name}: write one `setting: values` a line")
    nested = [key for key, value in document.value.items() if isinstance(value, dict | list)]
    if nested:
        raise ConfigError(
            [f"{document.name}: {key} must be text such as a,b or range(0,4)" for key in nested]
        )
    return [
        f"{key}={value if isinstance(value, str) else document.written[(key,)][1]}"
        for key, value in document.value.items()
    ]


def lines_of(words: Sequence[str], design: Design, configs: Configs) -> Lines:
    """One list of overrides for each run, in the order in which Hydra would number them.

    Values after a comma, `choice`, `range` and `glob` are multiplied out, the last word turning
    fastest, or paired (`zip`). `interval(a,b)` takes quasi-random points; all other combinations
    are run at each of them. Raises ConfigError.
    """
    overrides = parsed(words)
    _refuse_shared(overrides)
    drawn = [o for o in overrides if o.is_interval_sweep()]
    points = _points(drawn, design)
    listed = [o for o in overrides if o.is_discrete_sweep()]
    country = country_of(words, configs)
    chosen = {o.key_or_group: configs.options(place_of(o.key_or_group, country)) for o in listed}
    sizes = [_size(o, chosen) for o in listed]
    pairs = design.kind == "zip"
    if pairs and len(set(sizes)) > 1:
        lengths = ", ".join(f"{o.key_or_group} {n}" for o, n in zip(listed, sizes, strict=True))
        raise ConfigError(f"sweep.design=zip pairs values, so there must be as many: {lengths}")
    count = len(points) * (max(sizes, default=1) if pairs else math.prod(sizes))
    if count > MOST_RUNS:
        raise ConfigError(f"the sweep has {count:,} runs; {MOST_RUNS:,} is the most")
    if count == 0:
        raise ConfigError("the sweep has no run: one of its settings has no value")
    values = [[f"{o.get_key_element()}={v}" for v in _values(o, chosen)] for o in listed]
    combinations = list(zip(*values, strict=True) if pairs else itertools.product(*values))
    if pairs and not values:
        combinations = [()]
    return [
        _line(words, overrides, point, combination)
        for point in points
        for combination in combinations
    ]


def _line(
    words: Sequence[str], overrides: list[Override], point: list[str], chosen: Sequence[str]
) -> list[str]:
    """The words with every sweep replaced by its value, in the order that they were given."""
    from_point, from_choice = iter(point), iter(chosen)
    out = []
    for word, override in zip(words, overrides, strict=True):
        if override.is_interval_sweep():
            out.append(next(from_point))
        elif override.is_discrete_sweep():
            out.append(next(from_choice))
        else:
            out.append(word)
    return out


def _refuse_shared(overrides: Iterable[Override]) -> None:
    swept = [o.key_or_group for o in overrides if o.is_sweep_override()]
    problems = [f"{name}: all runs of a sweep share it. Give one value." for name in swept
                if name in FIXED]  # fmt: skip
    if problems:
        raise ConfigError(problems)


def _size(override: Override, known: Known) -> int:
    """How many values, without listing a range of a billion."""
    value = override.value()
    if isinstance(value, RangeSweep) and value.start is not None and value.stop is not None:
        if value.step == 0:
            raise ConfigError(f"{override.input_line}: a step of 0 leads nowhere")
        return max(0, math.ceil((value.stop - value.start) / value.step - 1e-12))
    return len(list(_values(override, known)))


def _values(override: Override, known: Known) -> Iterator[str]:
    value: Any = override.value()
    if isinstance(value, Glob):
        files = known[override.key_or_group]
        if not files:
            raise ConfigError(f"{override.input_line}: there is no group {override.key_or_group}")
        return iter(value.filter(files))
    if isinstance(value, RangeSweep) and not value.shuffle:  # 0.7, not 0.7000000000000001
        assert value.start is not None
        numbers = (value.start + i * value.step for i in range(_size(override, known)))
        return (_plain(number) for number in numbers)
    return override.sweep_string_iterator()


def _plain(number: Any) -> str:
    return repr(float(f"{number:.12g}")) if isinstance(number, float) else str(number)


def _points(drawn: list[Override], design: Design) -> list[list[str]]:
    """The points of a quasi-random design as words: [n][setting], or one empty point."""
    kind = design.kind
    if not drawn:
        if kind in ("sobol", "lhs", "halton") or design.n is not None:
            raise ConfigError("the design has nothing to draw: write name=interval(low,high)")
        return [[]]
    if kind in ("product", "zip"):
        raise ConfigError(f"sweep.design={kind} has no place for interval(low,high)")
    if design.n is None:
        raise ConfigError("how many points shall be drawn? Say sweep.n=64")
    if design.n > MOST_RUNS:
        raise ConfigError(f"sweep.n={design.n}: {MOST_RUNS:,} is the most")
    unit = _unit_points(kind or "sobol", len(drawn), design.n, design.seed)
    return [
        [f"{o.get_key_element()}={_drawn(o, u)}" for o, u in zip(drawn, row, strict=True)]
        for row in unit
    ]


def _unit_points(kind: str, d: int, n: int, seed: int) -> list[list[float]]:
    """n points in the unit cube of d dimensions: the same for the same seed."""
    from scipy.stats import qmc  # half a second that other designs do not need

    engines: dict[str, type[qmc.QMCEngine]] = {
        "sobol": qmc.Sobol, "lhs": qmc.LatinHypercube, "halton": qmc.Halton,
    }  # fmt: skip
    with warnings.catch_warnings():  # Sobol points are balanced for powers of two: README says so
        warnings.simplefilter("ignore", UserWarning)
        return [[float(u) for u in row] for row in engines[kind](d, rng=seed).random(n)]


def _drawn(override: Override, u: float) -> str:
    """The value at u in [0, 1): a whole number if both ends are, on a log scale if tagged so.

    Rounded to six digits, so that a line can be read and typed.
    """
    value = override.value()
    assert isinstance(value, IntervalSweep)
    assert value.start is not None
    assert value.end is not None
    low, high = value.start, value.end
    log = "log" in value.tags
    if not (math.isfinite(low) and math.isfinite(high) and low < high and (not log or low > 0)):
        rule = "low must be below high, and above 0 on a log scale"
        raise ConfigError(f"{override.input_line}: {rule}")
    if isinstance(low, int) and isinstance(high, int) and not log:
        return str(low + math.floor(u * (high - low + 1)))
    x = math.exp(math.log(low) + u * math.log(high / low)) if log else low + u * (high - low)
    return repr(min(max(float(f"{x:.6g}"), float(low)), float(high)))


def names_of(words: Sequence[str]) -> list[str]:
    """Settings with more than one value in the words, in order."""
    return [o.key_or_group for o in parsed(words) if o.is_sweep_override()]
