"""`python -m benchmarks [NAME]`: prints what it measures, writes nothing."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from benchmarks.report import Result, as_data, show

NAMES = ("pass", "scaling", "late", "run", "start", "fork")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks asked for. Returns 0 whatever the speed: timing is no test."""
    options, overrides = _parser().parse_known_args(arguments)
    wrong = [word for word in overrides if "=" not in word or word.startswith("-")]
    if wrong or (overrides and options.name not in ("run", "all")):
        _parser().error(f"unrecognized arguments: {' '.join(wrong or overrides)}")
    chosen = NAMES if options.name == "all" else (options.name,)
    results = []
    for name in chosen:
        print(f"measuring: {name}", file=sys.stderr)
        results.append(_measure(name, options, overrides))
        if not options.json:
            show(results[-1])
    if options.json:
        print(json.dumps([as_data(result) for result in results], indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed of Kyosei. Nothing is written; read ratios rather than seconds.",
        epilog="Settings (name=value) after `run` go to `kyosei run`.",
    )
    parser.add_argument("name", nargs="?", default="all", choices=(*NAMES, "all"),
                        help="which benchmark (all)")  # fmt: skip
    parser.add_argument("--people", type=int, default=1_000_000, help="for pass (1,000,000)")
    parser.add_argument("--sizes", default="100000,1000000,4000000,8000000",
                        help="for scaling, separated by commas (%(default)s)")  # fmt: skip
    parser.add_argument("--months", type=int, default=12, help="months to time (12)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1),
                        help="(%(default)s)")  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0, help="for start (1)")
    parser.add_argument("--late-scale", type=float, default=0.1, help="for late (0.1)")
    parser.add_argument("--fork-scale", type=float, default=0.02, help="for fork (0.02)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    return parser


def _measure(name: str, options: argparse.Namespace, overrides: list[str]) -> Result:
    # Imported here: `run` and `start` must not hold the compiled kernels in memory themselves.
    if name == "pass":
        from benchmarks import monthly_pass

        return monthly_pass.measure(options.people, options.threads, options.months)
    if name == "scaling":
        from benchmarks import scaling

        sizes = [int(size) for size in options.sizes.split(",")]
        return scaling.measure(sizes, options.threads, options.months)
    if name == "late":
        from benchmarks import late

        return late.measure(options.late_scale, options.threads, options.months)
    if name == "run":
        from benchmarks import whole_run

        return whole_run.measure([f"threads={options.threads}", *overrides])
    if name == "fork":
        from benchmarks import fork

        return fork.measure(options.threads, options.fork_scale)
    from benchmarks import start

    return start.measure(options.threads, options.scale)


if __name__ == "__main__":
    sys.exit(main())
