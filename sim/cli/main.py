"""The `kyosei` command: its verbs, its messages and its exit codes.

Whatever a verb needs is imported when the verb runs, so that `kyosei --help` answers at once.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sim import __version__
from sim.cli.help import settings_help, sweep_help
from sim.config.settings import check_overrides
from sim.core.errors import ConfigError, KyoseiError
from sim.core.interrupt import listening

MANY_OBJECTS = 100_000
"""New objects between two looks for garbage; Python's own 700 took most of a second of a start."""

DONE, INPUT_OUTPUT, BROKEN, INTERRUPTED = 0, 3, 4, 130

_RUN_EXAMPLES = """\
examples:
  kyosei run                                     the main job: 2025-06 to 2050-12, everybody
  kyosei run scale=0.01 end=2030-12              a sample of one in a hundred, five years
  kyosei run start=2012-12 end=2025-06           the past, to set beside the published figures
  kyosei run seed=1 threads=2 output=/data/runs  other luck, two threads, another folder
  kyosei run -m seed=0,1,2 'scenario=glob(*)'    a sweep: one run for each combination
  kyosei run -m sweep=scenarios_by_luck --cfg    show the runs of a sweep in configs/sweep/
  kyosei run -m seed=0,1 sweep.n=16 'status.NAME.monthly.leave.rate=interval(0.1,0.3)'
                                                 16 quasi-random points, each with both seeds

Every value in configs/ can be set so: name=value, and inside a group with dots. A run's folder is
named by its content, so the same settings, data and code come back to the same folder, and a sweep
that was stopped goes on when it is typed again. The last line printed is the folder.
"""

_SENSITIVITY_EXAMPLES = """\
examples:
  kyosei sensitivity                             ten years, one person in a hundred
  kyosei sensitivity end=2050-12 scale=0.02      another horizon, less luck
  kyosei sensitivity trajectories=10 sobol=64 kept=8

Also: seed, threads, output, and any setting of the model. A study that was stopped goes on from its
last batch of runs. The last line printed is the folder.
"""

_HINDCAST_EXAMPLES = """\
examples:
  kyosei hindcast                                all origins of configs/hindcast, one scoreboard
  kyosei hindcast origin=2022-12 horizon=2025-06 members=20
  kyosei hindcast mode=conditional               entries after the origin are given
  kyosei hindcast rates=configured members=5     the rates of configs/ as they are

Also: scale, seed, threads, output, and any setting of the model. An origin that was stopped goes
on from its last member when it is typed again. The last line printed is the scoreboard's folder.
"""

_COMPARE_EXAMPLES = """\
examples:
  kyosei compare scenario=[a,b,a_and_b] replicates=8 end=2040-12 scale=0.1
  kyosei compare scenario=a,b baseline=b years=2030,2035   b first, effects at two years
  kyosei compare scenario=a,b decompose=b                  b taken apart into its levers
  kyosei compare scenario=a arm.more='scenario=a status.student.at_end.to_engineer.share=0.5'

The first scenario is the baseline. Each arm has the same luck in each replicate, so an effect is
a difference person by person. `arm.NAME='words'` makes an arm of any settings. All other words are
settings that all runs share. Runs lie in the output folder under their own names: what is there is
not made again, and a comparison that was stopped goes on when it is typed again.

words of a comparison:
  scenario=a,b          scenarios to compare
  baseline=NAME         the one that effects are differences from: the first, if not given
  replicates=8          runs of each arm, 2 or more
  years=2030,2040       Decembers named in the tables; the last month always is
  decompose=NAME,...    scenarios to take apart: each lever alone, each left out
  confidence=0.95       of the intervals
  figures=true          draw the figures of the comparison
  hydra/launcher=...    and its settings, as in a sweep
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    0 done; 2 bad input, nothing written; 3 input/output; 4 an invariant broke, or a folder does
    not verify; 130 interrupted. Any other exception is a bug and keeps its traceback.
    """
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own may not exist in this environment
    gc.set_threshold(MANY_OBJECTS)  # imports and settings make millions and hardly any is garbage
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    takes_words = options.verb in ("run", "compare")
    if rest and not (takes_words and all(not word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if takes_words:
        options.overrides += rest  # settings written after -m or another option
    try:
        with listening():
            return int(options.action(options))
    except KyoseiError as error:
        _say(error)
        return error.exit_code
    except OSError as error:
        print(f"kyosei: {error.strerror or error}: {error.filename or ''}", file=sys.stderr)
        return INPUT_OUTPUT
    except KeyboardInterrupt:
        print("kyosei: interrupted", file=sys.stderr)
        return INTERRUPTED


def _say(error: KyoseiError) -> None:
    """All problems at once, on standard error."""
    nothing = ", nothing was written" if error.exit_code == ConfigError.exit_code else ""
    count = len(error.problems)
    print(f"kyosei: {count} problem{'s' * (count != 1)}{nothing}", file=sys.stderr)
    for problem in error.problems:
        print(problem, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kyosei",
        description="Every foreign resident of Japan, one by one, month by month.",
        epilog="Exit codes: 0 done; 2 bad input, nothing written; 3 input/output;"
        " 4 an invariant broke or a folder does not verify; 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"kyosei {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB [--help]", required=True)

    run = verbs.add_parser(
        "run",
        help="simulate one scenario, or with -m a sweep of them",
        epilog=_RUN_EXAMPLES,
        formatter_class=_RunHelp,
        description="Simulate, and write tables and figures into a folder of its own.",
    )
    run.add_argument("overrides", nargs="*", metavar="name=value", help="settings to change")
    run.add_argument(
        "-m", "--multirun", action="store_true", help="sweep over comma-separated values"
    )
    run.add_argument("-q", "--quiet", action="store_true", help="no progress, only the folder")
    run.add_argument("--cfg", action="store_true", help="print the resolved settings and stop")
    run.set_defaults(action=_run)

    compare = verbs.add_parser(
        "compare",
        help="scenarios with paired luck: effects with intervals",
        epilog=_COMPARE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run scenarios with the same luck and write their differences, with intervals.",
    )
    compare.add_argument("overrides", nargs="*", metavar="name=value", help="see below")
    compare.add_argument("-q", "--quiet", action="store_true", help="no progress, only the result")
    compare.set_defaults(action=_compare)
    fit = verbs.add_parser(
        "calibrate",
        help="fit the rates to the published past",
        description="Fit what configs/calibration/ names to what was published, and write a"
        " configuration with every rate, its interval and its prior, and a report with figures. A"
        " fit that was stopped goes on when it is typed again.",
    )
    fit.add_argument("overrides", nargs="*", metavar="name=value", help="settings to change")
    fit.add_argument("--until", metavar="YYYY-MM", help="last half-year whose data it may know")
    fit.add_argument(
        "--adopt", action="store_true", help="make it the fit that runs take by default"
    )
    fit.add_argument("-q", "--quiet", action="store_true", help="no progress, only the folder")
    fit.add_argument(
        "--variance", type=int, metavar="N",
        help="no fit: split the variance of a projection, from N small runs for each source",
    )  # fmt: skip
    fit.set_defaults(action=_calibrate)

    _add_folder_verb(verbs, "verify", "check a run's files against its manifest", _verify)
    _add_folder_verb(verbs, "reproduce", "run again, say whether every byte is equal", _reproduce)
    _add_study_verbs(verbs)
    collect = verbs.add_parser(
        "collect",
        help="all complete runs below a folder as one table each",
        description="Gather all complete runs below a folder into one Parquet file for each table,"
        " with scenario, seed, replicate, scale and all that was swept as columns.",
    )
    collect.add_argument("folder", type=Path, metavar="DIR", help="the output folder of the runs")
    to_help = "DIR/collected if not given; a file *.parquet for one table"
    collect.add_argument("--to", type=Path, metavar="FILE_OR_FOLDER", help=to_help)
    table_help = "runs, stocks, flows ...; again for more; all if not given"
    collect.add_argument("--table", action="append", default=[], metavar="NAME", help=table_help)
    collect.set_defaults(action=_collect)
    _add_levers_verb(verbs)
    return parser


class _RunHelp(argparse.RawDescriptionHelpFormatter):
    """Adds the list of settings, read from configs/ only when the help is shown."""

    def format_help(self) -> str:
        return f"{super().format_help()}\n{settings_help()}\n{sweep_help()}"


def _add_folder_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_text: str,
    action: Callable[[argparse.Namespace], int],
) -> None:
    verb = verbs.add_parser(name, help=help_text, description=f"{help_text.capitalize()}.")
    verb.add_argument("folder", type=Path, metavar="DIR", help="a run's folder")
    verb.set_defaults(action=action)


def _add_study_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    hindcast = verbs.add_parser(
        "hindcast",
        help="project from the past as it was known then, and score what came",
        epilog=_HINDCAST_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Look from each origin with what was known there; score the projection.",
    )
    hindcast.add_argument("words", nargs="*", metavar="name=value", help="settings to change")
    hindcast.add_argument("-q", "--quiet", action="store_true", help="only the folder")
    hindcast.set_defaults(action=_hindcast)
    sensitivity = verbs.add_parser(
        "sensitivity",
        help="which rates and arrivals move the answer: tornado, Morris, Sobol",
        epilog=_SENSITIVITY_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Vary the factors of configs/sensitivity one at a time, together, and apart.",
    )
    sensitivity.add_argument("words", nargs="*", metavar="name=value", help="settings to change")
    sensitivity.add_argument("-q", "--quiet", action="store_true", help="only the folder")
    sensitivity.set_defaults(action=_sensitivity)


def _add_levers_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "levers",
        help="the policy levers: list, one in full, the dated table of a scenario, a difference",
        description="Without options the list of all levers and how the scenario pulls them.",
    )
    verb.add_argument("overrides", nargs="*", metavar="name=value", help="scenario=NAME and others")
    what = verb.add_mutually_exclusive_group()
    what.add_argument("--show", metavar="LEVER", help="one lever in full, such as JP07")
    what.add_argument("--table", action="store_true", help="what is in force from which month")
    what.add_argument("--against", metavar="SCENARIO", help="what differs from another scenario")
    verb.add_argument("--json", action="store_true", help="JSON instead of text")
    verb.set_defaults(action=_levers)


def _sensitivity(options: argparse.Namespace) -> int:
    from sim.studies.sensitivity.command import sensitivity

    print(sensitivity(options.words, quiet=options.quiet))
    return DONE


def _levers(options: argparse.Namespace) -> int:
    from sim.cli.levers import levers

    return levers(options)


def _hindcast(options: argparse.Namespace) -> int:
    from sim.studies.hindcast.command import hindcast

    print(hindcast(options.words, quiet=options.quiet))
    return DONE


def _run(options: argparse.Namespace) -> int:
    problems = check_overrides(options.overrides, sweep=options.multirun)
    if problems:
        raise ConfigError(problems)
    if options.multirun:
        from sim.sweeps.sweep import run_sweep

        return run_sweep(options.overrides, options.quiet, only_show=options.cfg)

    from sim.config.compose import compose, to_yaml

    settings = compose(options.overrides)
    if options.cfg:
        print(to_yaml(settings), end="")
        return DONE

    from sim.runs.run import run

    print(run(settings, quiet=options.quiet))
    return DONE


def _compare(options: argparse.Namespace) -> int:
    from sim.studies.comparison.command import compare

    return compare(options.overrides, options.quiet)


def _calibrate(options: argparse.Namespace) -> int:
    problems = check_overrides(options.overrides, sweep=False)
    if problems:
        raise ConfigError(problems)
    if options.variance is not None:
        from sim.studies.calibration.variance import variance_split

        print(variance_split(options.overrides, max(options.variance, 2)).to_string(index=False))
        return DONE
    from sim.config.compose import compose
    from sim.studies.calibration.command import calibrate

    settings = compose(options.overrides)
    print(calibrate(settings, options.until, quiet=options.quiet, adopt=options.adopt))
    return DONE


def _run_folder(folder: Path) -> Path:
    """The folder if it is a run's, finished or not. Raises ConfigError."""
    if not any((folder / name).is_file() for name in ("manifest.json", "config.yaml")):
        raise ConfigError(f"{folder} is not the folder of a run: it has no manifest.json")
    return folder


def _verify(options: argparse.Namespace) -> int:
    from sim.files.manifest import listing, verify

    folder = _run_folder(options.folder)
    problems = verify(folder)
    if problems:
        return _report(f"{folder} does not verify", problems)
    files = listing(folder)
    print(f"{'bytes':>14} {'rows':>12}  sha256            file")
    for name, size, rows, digest in files:
        print(f"{size:>14,} {'' if rows is None else f'{rows:,}':>12}  {digest[:16]}  {name}")
    print(f"OK: {len(files)} files are as the manifest says")
    return DONE


def _reproduce(options: argparse.Namespace) -> int:
    from sim.runs.reproduce import reproduce

    folder = _run_folder(options.folder)
    problems = reproduce(folder)
    if problems:
        return _report(f"{folder} was not reproduced", problems)
    print(f"OK: every byte of {folder} came out again")
    return DONE


def _collect(options: argparse.Namespace) -> int:
    from sim.sweeps.collect import collect

    if not options.folder.is_dir():
        raise ConfigError(f"{options.folder} is not a folder")
    done = collect(options.folder, options.to, options.table)
    if done.unfinished:
        count = len(done.unfinished)
        print(f"kyosei: {count} unfinished run(s) left out", file=sys.stderr)
    print(f"{done.runs} runs", *done.files, sep="\n")
    return _report("damaged runs were left out", done.damaged) if done.damaged else DONE


def _report(headline: str, problems: list[str]) -> int:
    print(f"kyosei: {headline}", *problems, sep="\n", file=sys.stderr)
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
