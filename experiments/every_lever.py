"""Does every lever move its own indicator, and the right way? One table, a row for each lever.

python experiments/every_lever.py [--replicates 4] [--levers jp01,jp07] [name=value ...]

Each lever alone against none, with common random numbers. The indicator is the one that the
lever's file names: an indicator of a run, or `flow:GLOB` of fates, `stock:STATUS`,
`arrivals:STATUS`, `workers:SECTORS`, `prefecture:CODES`; averaged over the months from the lever's
first on, people weighted back. The interval is Student's, of the paired differences.
"""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase

import numpy as np
from scipy.stats import t

from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.model.model import Kyosei
from sim.outputs.indicators import catalogue
from sim.outputs.outcome import Outcome
from sim.processes.survey import JOBS

SETTINGS = ["end=2034-12", "scale=0.02", "threads=1"]


def series(model: Kyosei, name: str) -> dict[int, float]:
    """Month -> value of an indicator."""
    kind, _, of = name.partition(":")
    record, codes, scale = model.record, model.state.rates.codes, model.config.scale
    months = record.months
    if not of:
        return catalogue(model.config)[name].of(Outcome.of(model))
    if kind == "flow":
        rows = [k for k, fate in enumerate(model.state.rates.names) if fnmatchcase(fate.path, of)]
        values = [flow[rows].sum() / scale for flow in record.flows]
    elif kind == "arrivals":
        values = [came[codes.statuses.index(of)] / scale for came in record.came]
    elif kind == "stock":
        values = [cube[codes.statuses.index(of)].sum() / scale for cube in record.cubes]
    elif kind == "workers":
        jobs = Outcome.of(model).by_month(JOBS)[:, :, JOBS.at("workers")]
        own = [list(model.config.firms.sectors).index(name) for name in of.split("+")]
        values = list(jobs[:, own].sum(axis=1) / scale)
    else:
        rows = [codes.prefectures.index(code) for code in of.split("+")]
        values = [cube[:, :, rows].sum() / scale for cube in record.cubes]
    return {m: float(v) for m, v in zip(months, values, strict=True)}


def mean_since(values: dict[int, float], since: int) -> float:
    """Mean over the months from `since` on."""
    return float(np.mean([value for month, value in values.items() if month >= since]))


def finished(words: list[str], levers: list[str], replicate: int) -> Kyosei:
    """A run with these levers alone."""
    chosen = ["scenario.lifts=[all]", f"scenario.levers=[{','.join(levers)}]"]
    model = Kyosei(compose([*words, *chosen, "scenario.settings={}", f"replicate={replicate}"]))
    model.run()
    return model


def table(config: RunConfig, words: list[str], names: list[str], replicates: int) -> None:
    """Print a row for each lever as soon as its runs are done."""
    without = [finished(words, [], r) for r in range(replicates)]
    print(f"| lever | indicator | expected | without | effect | {'95 %':>15} | as expected |")
    print("|---|---|---|---:|---:|---:|---|", flush=True)
    for name in names:
        lever = config.policy[name]
        since, shown = month_index(lever.since), lever.indicator.name
        pairs = [
            [mean_since(series(m, shown), since) for m in (finished(words, [name], r), base)]
            for r, base in enumerate(without)
        ]
        effects = np.array([new - old for new, old in pairs])
        middle = float(effects.mean())
        half = 0.0
        if replicates > 1:
            spread = float(effects.std(ddof=1)) / np.sqrt(replicates)
            half = float(t.ppf(0.975, replicates - 1)) * spread
        moved = "+" if middle - half > 0 else "-" if middle + half < 0 else "0"
        print(
            f"| {lever.id} {lever.title.en} | {shown} | {lever.indicator.sign} |"
            f" {np.mean([old for _, old in pairs]):.5g} | {middle:+.3g} |"
            f" {middle - half:+.3g} to {middle + half:+.3g} |"
            f" {'yes' if moved == lever.indicator.sign else f'no: {moved}'} |",
            flush=True,
        )


def main() -> None:
    """Read the words and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=4)
    parser.add_argument("--levers", default="", help="such as jp01,jp07; all if not given")
    parser.add_argument("words", nargs="*", metavar="name=value")
    options = parser.parse_args()
    given = {word.partition("=")[0] for word in options.words}
    words = [w for w in SETTINGS if w.partition("=")[0] not in given] + options.words
    config = compose(words)
    names = [name for name in options.levers.split(",") if name] or sorted(config.policy)
    table(config, words, names, options.replicates)


if __name__ == "__main__":
    main()
