"""The `kyosei` command: its verbs, its messages and its exit codes.

Whatever a verb needs is imported when the verb runs, so that `kyosei --help` answers at once.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from sim import __version__
from sim.cli import finished, study
from sim.cli.help import settings_help, sweep_help
from sim.config.folders import configs_here, named_study, reading
from sim.config.settings import check_overrides
from sim.core.errors import ConfigError, KyoseiError, printable
from sim.core.interrupt import interruptible
from sim.dashboard import verb as dashboard
from sim.pages import report

MANY_OBJECTS = 100_000
"""New objects between two collections of garbage. With Python's own 700, collecting took most of a
second of a start."""

STUDY = "--config"

DONE, INPUT_OUTPUT, BROKEN, INTERRUPTED = 0, 3, 4, 130

_DESCRIPTION = """\
Kyosei simulates every foreign resident of Japan, one by one, month by month.

three first commands:
  kyosei run experiment=quick   One resident in a hundred, five years: a few seconds. The first
                                time a minute more, because the model is compiled.
  kyosei levers                 What policy can change in the model, and the law behind it.
  kyosei compare scenario=baseline_2025,enacted replicates=4 end=2030-12 scale=0.01
                                What the law as enacted changes, with intervals: half a minute.
"""

_EXIT_CODES = """\
`kyosei VERB --help` explains a verb, with examples. README.md and docs/ say what is computed.

exit codes:
  0    done
  2    the input is wrong; every problem is listed, and nothing was written
  3    a file could not be read or written
  4    an invariant broke, or a folder is not what its manifest says
  130  interrupted
"""

_RUN_EXAMPLES = """\
examples:
  kyosei run experiment=quick                    one resident in a hundred to 2030, in seconds
  kyosei run                                     everybody, 2025-06 to 2050-12: about three minutes
  kyosei run scale=0.01 end=2030-12              any sample, any horizon; with figures
  kyosei run start=2012-12 end=2025-06           the past, beside the published figures
  kyosei run seed=1 threads=2 output=/data/runs  another random seed, two threads, another folder
  kyosei run -m seed=0,1,2 'scenario=glob(*)'    a sweep: one run for each combination
  kyosei run -m sweep=scenarios_by_seed --cfg    show the runs of a sweep of configs/sweep/
  kyosei run -m seed=0,1 sweep.n=16 'status.NAME.monthly.leave.rate=interval(0.1,0.3)'
                                                 16 quasi-random points, each with both seeds

Every value in configs/ can be set as name=value, with dots inside a group. A run's folder is named
by its content: the same settings, data and code give the same folder, and a sweep that was stopped
goes on when the same command is typed again. The last line printed is the folder.
"""

_COMPARE_EXAMPLES = """\
examples:
  kyosei compare scenario=baseline_2025,enacted end=2030-12 scale=0.01
  kyosei compare scenario=[a,b,a_and_b] end=2040-12 scale=0.02
  kyosei compare scenario=a,b draws=none replicates=8 scale=0.1   differ by random numbers alone
  kyosei compare scenario=a,b baseline=b years=2030,2035   b is the baseline; effects at two years
  kyosei compare scenario=a,b decompose=b                  b taken apart into its levers
  kyosei compare scenario=a arm.more='scenario=a status.student.at_end.to_engineer.share=0.5'
  kyosei compare runs/8fd4a57ee22664f4 runs/0b11c2d93ae4f781 to=effects.csv
                                 finished runs, or folders of them: differences and ratios

The first scenario is the baseline. Each replicate draws rates, firms' demand, arrivals, responses
to policy and random numbers, the same for all scenarios, so an effect is a difference person by
person, and its interval says where it lies as far as the draws do. Some draws are made once more
with other random numbers: the inner interval is of these alone. `arm.NAME='words'` compares any
settings, not only scenarios; what one arm sets is drawn in none. All other words are settings that
all runs share. Runs that are complete are not made again: a comparison that was stopped goes on
when the same command is typed again.

words of a comparison:
  scenario=a,b          scenarios to compare
  baseline=NAME         the one that effects are measured from: the first, if not given
  draws=all             what replicates draw; none: random numbers alone
  replicates=20         runs of each scenario; 8 with draws=none. Intervals need 3 of them
  years=2030,2040       Decembers named in the tables; the last month always is
  decompose=NAME,...    scenarios to take apart: each lever alone, each left out
  confidence=0.8        level of the intervals; 0.95 with draws=none
  figures=true          draw the figures of the comparison
  hydra/launcher=...    and its settings, as in a sweep
"""

_COUNTRIES_EXAMPLES = """\
examples:
  kyosei countries end=2045-12 scale=0.005 replicates=10
  kyosei countries draws=none replicates=4 end=2030-12 scale=0.003

For each country a comparison is made (`kyosei compare --help` has its words); configs/countries/
says of what: scenarios, and levers that both countries have. Shown are shares, rates and what
became of 1,000 low-skilled entrants. People by status are not compared: statuses are not the same.
"""

_PROJECT_EXAMPLES = """\
examples:
  kyosei project                                 200 members, and the middle one in full
  kyosei project members=50 member_scale=0.003 scale=0.1 split=0
  kyosei project scenario=managed_coexistence end=2040-12
  kyosei project hydra/launcher=submitit_slurm   members as jobs of a cluster

A member draws rates, firms' demand, arrivals, responses and random numbers; each value with low and
high is drawn from them as its 80 % interval, unless it is set here. Members that are there are not
made again: a projection that was stopped goes on when the same command is typed again.

words of a projection:
  members=200           runs of the ensemble
  member_scale=0.005    share of people simulated in each of them
  split=16              members of each ensemble that draws one source alone; 0: none
  scale=1               share of people simulated in the run nearest to the median
  figures=true          draw the figures of the projection and of that run
  hydra/launcher=...    and its settings, as in a sweep
"""

_CALIBRATE_EXAMPLES = """\
examples:
  kyosei calibrate                               all published half-years: about seven minutes
  kyosei calibrate --until 2017-12               only what was known in December 2017
  kyosei calibrate --adopt                       and make it the fit that runs use by default
  kyosei calibrate --variance 8 scale=0.01 end=2035-12
                                                 no fit: what the variance of a projection is due to

A fit that was stopped goes on when the same command is typed again. The last line printed is the
folder.
"""

_HINDCAST_EXAMPLES = """\
examples:
  kyosei hindcast                                every half-year of configs/hindcast, one scoreboard
  kyosei hindcast origin=judging rates=fitted    judging origins, rates fitted to what was known
  kyosei hindcast origin=2022-12 horizon=2025-06 members=20 scale=0.005
  kyosei hindcast mode=conditional               entries after the origin are given
  kyosei hindcast hydra/launcher=submitit_slurm  origins as jobs of a cluster
  kyosei hindcast finished=hindcasts             score the finished origins of a folder again

words of a hindcast:
  origin=2017-12+2018-06  months to project from; rule, judging, or all of configs/hindcast
  horizon=2019-12         last month projected; five years on if not given
  members=99              runs of the ensemble
  mode=free               free, or conditional: entries after the origin are given
  rates=flat              flat (+-50 %), fitted to what was known, prior (their ranges), configured
  events=told+not_told    whether events and laws after the origin are known, or both in turn
  scale, seed, threads, output, and any setting of the model

An origin takes two to five minutes of one core at scale 0.005, and twice that at 0.02. One that
was stopped goes on from its last member when the same command is typed again. The last line printed
is the folder of the scoreboard.
"""

_SENSITIVITY_EXAMPLES = """\
examples:
  kyosei sensitivity                             ten years, one resident in a hundred: five minutes
  kyosei sensitivity end=2050-12 scale=0.02      another horizon, less random variation
  kyosei sensitivity trajectories=10 sobol=64 kept=8

words of a study:
  start, end, scale     the runs
  trajectories=4        of the Morris screening
  kept=6                factors that go on from the screening to Sobol indices
  sobol=16              base points of the Sobol design, a power of two
  seed, threads, output, and any setting of the model

A study that was stopped goes on from its last batch of runs. The last line printed is the folder.
"""

_COLLECT_EXAMPLES = """\
examples:
  kyosei collect runs                            all tables of all runs below runs/
  kyosei collect runs --table stocks --to stocks.parquet
  kyosei collect runs --table runs --table indicators --to /data/together

polars, pandas and DuckDB read the files.
"""

_DESCRIBE_EXAMPLES = """examples:
  kyosei describe --to model.md                      the model as it is shipped
  kyosei describe country=korea --to korea.md        of the other country
  kyosei describe scenario=managed_coexistence | less
"""

_LEVERS_EXAMPLES = """\
examples:
  kyosei levers                                        all levers, as the scenario pulls them
  kyosei levers --show JP07                            one in full, by code or words of its title
  kyosei levers --asof 2026-04                         what was law in a month, with its basis
  kyosei levers --table scenario=managed_coexistence   what is in force from which month
  kyosei levers --against baseline_2025 scenario=enacted
                                                       what differs between two scenarios
"""

_VERIFY_EXAMPLES = """\
example:
  kyosei verify runs/8fd4a57ee22664f4
  kyosei verify --deep runs/8fd4a57ee22664f4     do stocks follow from flows, are numbers finite?

Reads every file in full: sizes, SHA-256 and rows. Exit code 4 if anything differs.
"""

_REPRODUCE_EXAMPLES = """\
example:
  kyosei reproduce runs/8fd4a57ee22664f4

Needs the folder, the same code and the same versions of libraries; takes as long as the run did.
Exit code 4 if any byte differs, with what changed between the two.
"""

_OFFICIAL_EXAMPLES = """\
examples:
  kyosei official                                eight runs to 2070 at scale 0.01: two minutes
  kyosei official scale=0.05 rounds=12
  kyosei official to=/tmp/official.yaml          leave configs/ as it is

docs/official.md sets the scenario beside the free projection. The last line printed is the file.
"""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line as every other problem is reported."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError instead of leaving the process."""
        raise ConfigError(f"{message}\n    `{self.prog} --help` shows how it is written")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code.

    0 done; 2 bad input, nothing written; 3 input/output; 4 an invariant broke, or a folder does
    not verify; 130 interrupted. Any other exception is a bug and keeps its traceback.
    """
    os.environ["MPLBACKEND"] = "agg"  # a notebook's own may not exist in this environment
    gc.set_threshold(MANY_OBJECTS)  # imports and settings make millions; hardly any is garbage
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser, verbs = _parser()
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    if not words:
        parser.print_help()
        return ConfigError.exit_code
    try:
        own = _own_study(words)
        with reading(own):
            options = _options(parser, verbs, words)
            if own is not None and not getattr(options, "quiet", True):
                print(f"Configuration: {own} over Kyosei's own.", file=sys.stderr)
            with interruptible():
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


def _own_study(words: list[str]) -> Path | None:
    """The configs of the study that --config names, which is taken out of the words, or of the one
    in which the command is typed; None if there is none. Raises ConfigError."""
    for place, word in enumerate(words):
        name, sign, value = word.partition("=")
        if name == STUDY:
            given = [value] if sign else words[place + 1 : place + 2]
            if given in ([], [""]):
                raise ConfigError(f"{STUDY} names no folder\n    write {STUDY} FOLDER")
            del words[place : place + (1 if sign else 2)]
            return named_study(Path(given[0]))
    return configs_here().study


def _options(
    parser: argparse.ArgumentParser, verbs: Sequence[str], words: list[str]
) -> argparse.Namespace:
    """The words as options. Raises ConfigError, with the nearest verb for one that is unknown."""
    verb = words[0]
    if not verb.startswith("-") and verb not in verbs:
        from sim.core.errors import nearest  # reads YAML: `kyosei --help` needs none of it

        raise ConfigError(f"there is no verb {verb}.{nearest(verb, verbs)}")
    options, rest = parser.parse_known_args(words)
    unknown = [word for word in rest if word.startswith("-")]
    if unknown:
        after = dict(zip(words, [*words[1:], ""], strict=True))
        raise ConfigError([_no_option(word, after[word], options.verb) for word in unknown])
    if rest and not hasattr(options, "overrides"):
        raise ConfigError(
            f"{' '.join(rest)}: too much for kyosei {options.verb}\n"
            f"    `kyosei {options.verb} --help` shows how it is written"
        )
    if rest:
        options.overrides += rest  # settings written after -m or another option
    return options


def _no_option(word: str, after: str, verb: str) -> str:
    """What is wrong with an option that does not exist. after: the word after it."""
    setting = re.fullmatch(r"--([a-z][a-z_.]*)(?:=(.*))?", word)
    if setting is not None:
        value = setting[2] or (after if re.fullmatch(r"[\w.-]+", after) else "VALUE")
        instead = f"a setting is written without dashes: {setting[1]}={value}"
    else:
        instead = f"`kyosei {verb} --help` lists the options"
    return f"{word} is not an option of kyosei {verb}\n    {instead}"


def _say(error: KyoseiError) -> None:
    """All problems at once, on standard error."""
    nothing = ", nothing was written" if error.exit_code == ConfigError.exit_code else ""
    count = len(error.problems)
    print(f"kyosei: {count} problem{'s' * (count != 1)}{nothing}", file=sys.stderr)
    for problem in error.problems:
        print(problem, file=sys.stderr)


def _begin(options: argparse.Namespace, what: str) -> None:
    """Say at once what the command does: importing and composing take a second or more."""
    if not options.quiet and getattr(options, "progress", "bar") == "bar":
        print(what, file=sys.stderr, flush=True)


def _parser() -> tuple[argparse.ArgumentParser, list[str]]:
    """The parser of the command, and its verbs."""
    parser = _Parser(
        prog="kyosei",
        usage="kyosei VERB [words] [--help]",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"kyosei {__version__}")
    verbs = parser.add_subparsers(
        dest="verb", title="verbs", metavar="VERB", prog="kyosei", required=True
    )

    run = _add_verb(
        verbs, "run", _run,
        help_text="simulate one scenario, or with -m a sweep of many runs",
        description="Simulate, and write tables and figures into a folder of its own.",
        examples=_RUN_EXAMPLES, formatter=_RunHelp,
    )  # fmt: skip
    run.add_argument(
        "-m", "--multirun", action="store_true", help="a sweep over comma-separated values"
    )
    run.add_argument(
        "--progress", choices=("bar", "json"), default="bar",
        help="json: one line a month for programs, on standard error",
    )  # fmt: skip
    run.add_argument("--cfg", action="store_true", help="print the resolved settings and stop")

    _add_verb(
        verbs, "project", _project,
        help_text="an ensemble: quantiles of all outputs, over draws of what is uncertain",
        description="Run an ensemble whose members draw rates, demand, arrivals, responses and"
        "\nrandom numbers together, and write its quantiles, what moves them, and the run nearest"
        "\nto the median.",
        examples=_PROJECT_EXAMPLES,
    )  # fmt: skip
    _add_verb(
        verbs, "compare", _compare,
        help_text="effects of scenarios with intervals, from runs with common random numbers",
        description="Run scenarios with common random numbers and write their differences, with"
        " intervals.",
        examples=_COMPARE_EXAMPLES,
    )  # fmt: skip

    _add_verb(
        verbs, "countries", _countries,
        help_text="two countries side by side: shares, rates, paths and effects",
        description="Compare scenarios in each of two countries, and set side by side what can be.",
        examples=_COUNTRIES_EXAMPLES,
    )  # fmt: skip

    fit = _add_verb(
        verbs, "calibrate", _calibrate,
        help_text="fit the rates to the published past",
        description="Fit what configs/calibration/ names to what was published, and write a\n"
        "configuration with every rate, its interval and its prior, and a report with figures.",
        examples=_CALIBRATE_EXAMPLES,
    )  # fmt: skip
    fit.add_argument(
        "--until", metavar="YYYY-MM", help="last half-year whose data the fit may know"
    )
    fit.add_argument("--adopt", action="store_true", help="make it the fit that runs use")
    fit.add_argument(
        "--variance", type=_two_or_more, metavar="N",
        help="no fit: split the variance of a projection by its causes, from N small runs for each",
    )  # fmt: skip

    _add_verb(
        verbs, "hindcast", _hindcast,
        help_text="project from past months with what was known then, and score the projection",
        description="Project from each origin with what was known there, and score the projection.",
        examples=_HINDCAST_EXAMPLES,
    )  # fmt: skip
    _add_verb(
        verbs, "sensitivity", _sensitivity,
        help_text="which rates and arrivals the answer depends on: tornado, Morris, Sobol",
        description="Vary the factors of configs/sensitivity one at a time, together, and apart.",
        examples=_SENSITIVITY_EXAMPLES,
    )  # fmt: skip
    _add_levers_verb(verbs)
    _add_describe_verb(verbs)
    collect = _add_folder_verb(
        verbs, "collect", _collect, "the output folder of the runs",
        help_text="gather all complete runs below a folder into one table each",
        description="Gather all complete runs below a folder into one Parquet file for each table,"
        "\nwith scenario, seed, replicate, scale and all that was swept as columns.",
        examples=_COLLECT_EXAMPLES,
    )  # fmt: skip
    to_help = "DIR/collected if not given; a file *.parquet for one table"
    collect.add_argument("--to", type=Path, metavar="FILE_OR_FOLDER", help=to_help)
    table_help = "runs, stocks, flows ...; again for more; all if not given"
    collect.add_argument("--table", action="append", default=[], metavar="NAME", help=table_help)
    check = _add_folder_verb(
        verbs, "verify", _verify, "a run's folder",
        help_text="check the files of a run against its manifest",
        description="Check the files of a run against its manifest.", examples=_VERIFY_EXAMPLES,
    )  # fmt: skip
    check.add_argument(
        "--deep", action="store_true", help="also whether its tables agree with each other"
    )
    _add_folder_verb(
        verbs, "reproduce", _reproduce, "a run's folder",
        help_text="make a run again and say whether every byte is equal",
        description="Make a run again and say whether every byte is equal.",
        examples=_REPRODUCE_EXAMPLES,
    )  # fmt: skip
    study.add_verbs(verbs, _Help)
    finished.add_verbs(verbs, _Help)
    _add_verb(
        verbs, "official", _official,
        help_text="fit the scenario that reproduces the official projection",
        description="Find the arrivals with which the official projection of net migration and of"
        "\nresidents comes out, and rewrite the scenario in configs/scenario/.",
        examples=_OFFICIAL_EXAMPLES,
    )  # fmt: skip
    report.add_verb(verbs)
    dashboard.add_verb(verbs)
    return parser, list(verbs.choices)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Texts as they are written, and room for the longest verb."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=18, width=100)


class _RunHelp(_Help):
    """Adds the list of settings, read from configs/ only when the help is shown."""

    def format_help(self) -> str:
        return f"{super().format_help()}\n{settings_help()}\n{sweep_help()}"


def _add_verb(
    verbs: argparse._SubParsersAction[_Parser],
    name: str,
    action: Callable[[argparse.Namespace], int],
    *,
    help_text: str,
    description: str,
    examples: str,
    formatter: type[_Help] = _Help,
) -> argparse.ArgumentParser:
    """A verb that takes settings and -q."""
    verb = verbs.add_parser(
        name, help=help_text, description=description, epilog=examples, formatter_class=formatter
    )
    verb.add_argument("overrides", nargs="*", metavar="name=value", help="settings to change")
    verb.add_argument("-q", "--quiet", action="store_true", help="no progress, only the result")
    verb.set_defaults(action=action)
    return verb


def _add_folder_verb(
    verbs: argparse._SubParsersAction[_Parser],
    name: str,
    action: Callable[[argparse.Namespace], int],
    folder: str,
    *,
    help_text: str,
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    """A verb that takes a folder."""
    verb = verbs.add_parser(
        name, help=help_text, description=description, epilog=examples,
        formatter_class=_Help,
    )  # fmt: skip
    verb.add_argument("folder", type=Path, metavar="DIR", help=folder)
    verb.set_defaults(action=action, quiet=False)
    return verb


def _add_levers_verb(verbs: argparse._SubParsersAction[_Parser]) -> None:
    verb = verbs.add_parser(
        "levers",
        help="the policy levers: list, one in full, the dated table of a scenario, a difference",
        description="Without options the list of all levers and how the scenario pulls them.",
        epilog=_LEVERS_EXAMPLES,
        formatter_class=_Help,
    )
    verb.add_argument("overrides", nargs="*", metavar="name=value", help="scenario=NAME and others")
    what = verb.add_mutually_exclusive_group()
    what.add_argument(
        "--show", metavar="LEVER", help="one lever in full: JP07, or words of its title"
    )
    what.add_argument("--table", action="store_true", help="what is in force from which month")
    what.add_argument("--asof", metavar="MONTH", help="what is law in a month: 2026-04")
    what.add_argument("--against", metavar="SCENARIO", help="what differs from another scenario")
    verb.add_argument("--json", action="store_true", help="JSON instead of text")
    verb.set_defaults(action=_levers)


def _add_describe_verb(verbs: argparse._SubParsersAction[_Parser]) -> None:
    verb = verbs.add_parser(
        "describe",
        help="the model in the ODD protocol, with the source and mark of every number",
        description="Write what the model does, for a referee: entities, processes in their order,"
        "\nevery transition, lever, parameter and indicator, each number with its source and mark.",
        epilog=_DESCRIBE_EXAMPLES,
        formatter_class=_Help,
    )
    verb.add_argument("overrides", nargs="*", metavar="name=value", help="scenario=NAME and others")
    verb.add_argument("--to", type=Path, metavar="FILE", help="write there, a page if .html")
    verb.set_defaults(action=_describe)


def _describe(options: argparse.Namespace) -> int:
    from sim.config.compose import compose
    from sim.config.settings import check_overrides
    from sim.data.load import data_of
    from sim.files.folder import write_atomically
    from sim.outputs.describe import describe
    from sim.pages.trace import trace

    problems = check_overrides(options.overrides, sweep=False)
    if problems:
        raise ConfigError(problems)
    config = compose(options.overrides)
    data = data_of(config)
    text = f"{describe(config, data)}\n{trace(config, data)}"
    if options.to is None:
        print(text, end="")
        return 0
    if options.to.suffix == ".html":
        from sim.pages.description import description_page

        text = description_page(text)
    write_atomically(options.to, lambda stream: stream.write(text.encode()))
    print(options.to)
    return 0


def _levers(options: argparse.Namespace) -> int:
    from sim.cli.levers import levers

    return levers(options)


def _two_or_more(text: str) -> int:
    if re.fullmatch("[0-9]{1,4}", text, re.ASCII) is None or int(text) < 2:
        raise argparse.ArgumentTypeError(f"write a whole number from 2 to 9999, not {text}")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    problems = check_overrides(options.overrides, sweep=options.multirun)
    if problems:
        raise ConfigError(problems)
    if options.multirun:
        if not options.cfg:
            _begin(options, "Planning the sweep: every run is checked before the first begins.")
        from sim.sweeps.sweep import run_sweep

        return run_sweep(options.overrides, options.quiet, only_show=options.cfg)

    if not options.cfg:
        _begin(options, "Reading the configuration and the published tables.")
    from sim.config.compose import compose, to_yaml

    settings = compose(options.overrides)
    if options.cfg:
        print(to_yaml(settings), end="")
        return DONE

    from sim.runs.run import run

    print(run(settings, quiet=options.quiet, lines=options.progress == "json"))
    return DONE


def _project(options: argparse.Namespace) -> int:
    _begin(options, "Planning the ensemble: every member is checked before the first begins.")
    from sim.studies.projection.command import project

    return project(options.overrides, options.quiet)


def _compare(options: argparse.Namespace) -> int:
    from sim.studies.finished import are_folders, compare_folders

    if are_folders(options.overrides):
        return compare_folders(options.overrides)
    _begin(options, "Planning the comparison: every run is checked before the first begins.")
    from sim.studies.comparison.command import compare

    return compare(options.overrides, options.quiet)


def _countries(options: argparse.Namespace) -> int:
    _begin(options, "Planning both comparisons: every run is checked before the first begins.")
    from sim.studies.countries.command import countries

    return countries(options.overrides, options.quiet)


def _calibrate(options: argparse.Namespace) -> int:
    problems = check_overrides(options.overrides, sweep=False)
    if problems:
        raise ConfigError(problems)
    if options.variance is not None:
        _begin(options, f"Making three sets of {options.variance} runs.")
        from sim.studies.calibration.variance import variance_split

        print(variance_split(options.overrides, options.variance).to_string(index=False))
        return DONE
    _begin(options, "Fitting to the published past: about seven minutes on two cores.")
    from sim.config.compose import compose
    from sim.studies.calibration.command import calibrate

    settings = compose(options.overrides)
    print(calibrate(settings, options.until, quiet=options.quiet, adopt=options.adopt))
    return DONE


def _hindcast(options: argparse.Namespace) -> int:
    _begin(options, "Projecting from each origin: some minutes of one core each.")
    from sim.studies.hindcast.command import hindcast

    print(hindcast(options.overrides, quiet=options.quiet))
    return DONE


def _sensitivity(options: argparse.Namespace) -> int:
    _begin(options, "Making the runs of the study, in batches that are kept.")
    from sim.studies.sensitivity.command import sensitivity

    print(sensitivity(options.overrides, quiet=options.quiet))
    return DONE


def _official(options: argparse.Namespace) -> int:
    _begin(options, "Making runs to 2070, one a round.")
    from sim.studies.official import official

    print(official(options.overrides, quiet=options.quiet))
    return DONE


def _run_folder(folder: Path) -> Path:
    """The folder if it is a run's, finished or not. Raises ConfigError."""
    if not any((folder / name).is_file() for name in ("manifest.json", "config.yaml")):
        raise ConfigError(f"{folder} is not the folder of a run: it has no manifest.json")
    return folder


def _verify(options: argparse.Namespace) -> int:
    folder = _run_folder(options.folder)
    from sim.files.manifest import listing, verify
    from sim.runs.progress import Doing
    from sim.runs.verify import contradictions

    with Doing(f"Reading every file of {folder}"):
        problems = verify(folder)
    if problems:
        return _report(f"{folder} does not verify", problems)
    if options.deep:
        problems = contradictions(folder)
        if problems:
            return _report(f"{folder} verifies, and its tables contradict each other", problems)
    files = listing(folder)
    print(f"{'bytes':>14} {'rows':>12}  sha256            file")
    for name, size, rows, digest in files:
        print(f"{size:>14,} {'' if rows is None else f'{rows:,}':>12}  {digest[:16]}  {name}")
    print(f"OK: {len(files)} files are as the manifest says")
    return DONE


def _reproduce(options: argparse.Namespace) -> int:
    folder = _run_folder(options.folder)
    _begin(options, f"Making the run of {folder} again: it takes as long as it took then.")
    from sim.runs.progress import Doing
    from sim.runs.reproduce import reproduce

    with Doing("Running, then comparing every byte"):
        problems = reproduce(folder)
    if problems:
        return _report(f"{folder} was not reproduced", problems)
    print(f"OK: every byte of {folder} came out again")
    return DONE


def _collect(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise ConfigError(f"{options.folder} is not a folder")
    _begin(options, f"Reading the runs below {options.folder}.")
    from sim.runs.progress import Doing
    from sim.sweeps.collect import collect

    with Doing("Checking the runs and writing their tables"):
        done = collect(options.folder, options.to, options.table)
    if done.unfinished:
        count = len(done.unfinished)
        print(f"kyosei: {count} unfinished run(s) left out", file=sys.stderr)
    for text in done.doubles:
        print(f"kyosei: {printable(text)}", file=sys.stderr)
    print(f"{done.runs} runs", *done.files, sep="\n")
    return _report("damaged runs were left out", done.damaged) if done.damaged else DONE


def _report(headline: str, problems: list[str]) -> int:
    told = [printable(text) for text in (f"kyosei: {headline}", *problems)]
    print(*told, sep="\n", file=sys.stderr)
    return BROKEN


if __name__ == "__main__":
    sys.exit(main())
