"""`kyosei calibrate`: a fit in a folder of its own, and its configuration where runs find it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from sim.config.compose import to_yaml
from sim.config.fit_draws import factor_text
from sim.config.schema.policy import FittedRates
from sim.config.schema.run import RunConfig
from sim.config.settings import configs_folder
from sim.config.yaml import write
from sim.core.clock import month_index, month_name
from sim.core.errors import ConfigError
from sim.data.load import Data, data_of
from sim.figures.fit import draw_fit
from sim.files.folder import RunFolder, found_complete, write_atomically
from sim.files.manifest import code_digest, environment, run_id
from sim.runs.stopwatch import Stopwatch
from sim.studies.calibration.fit import Effort, FolderKeeper, fit_past
from sim.studies.calibration.plan import FitPlan, load_plan
from sim.studies.calibration.report import fit_report, rates_table, targets_table
from sim.studies.calibration.result import Fit, errors

FILE_COMMENT = (
    "# Rates as the published past moved them. Written by `kyosei calibrate`: change the plan in\n"
    "# configs/calibration/ and fit again instead of changing a number here.\n"
)


def calibrate(
    config: RunConfig, until: str | None, quiet: bool = False, adopt: bool = False,
    effort: Effort | None = None,
) -> Path:  # fmt: skip
    """Fit and write the folder; a fit that is complete is left as it is. Returns the folder.

    until  last half-year of the data, YYYY-MM; None: the last published
    adopt  also make it the fit that runs take: configs/fit/COUNTRY.* and the table `arrivals`

    Raises ConfigError, DataError, OutputError.
    """
    data, plan, effort = data_of(config), load_plan(config), effort or Effort()
    last = until or config.country.last_month
    _check_last(last, plan.start, config.country.last_month)
    number = _identity(config, data, plan, last, effort)
    say = (lambda text: None) if quiet else (lambda text: print(text, flush=True))
    target = Path(config.output) / number
    if found_complete(target) and not adopt:
        say(f"fit {number} is complete already: nothing to do")
        return target
    with Stopwatch() as watch, RunFolder(Path(config.output), number) as folder:
        fit = fit_past(
            config, data, month_index(last), plan, effort, FolderKeeper(folder), say
        )  # fmt: skip
        watch.lap("months")
        _write(folder, fit, config, data)
        folder.finish({
            "fit": number, "until": last, "seconds": watch.seconds, "code_sha256": code_digest(),
            "data_sha256": data.digest, "environment": environment(),
            "error": errors(fit.targets, fit.said).share.tolist(),
        })  # fmt: skip
        if adopt:
            _adopt(fit, data)
    return target


def _check_last(last: str, start: str, published: str) -> None:
    """Raise ConfigError unless a fit may end with this month."""
    if re.fullmatch("[0-9]{4}-(06|12)", last, re.ASCII) and start < last <= published:
        return
    raise ConfigError(
        f"until = {last}\n    write a June or December after {start} and not after {published},"
        f" such as {published}"
    )


def _identity(config: RunConfig, data: Data, plan: FitPlan, last: str, effort: Effort) -> str:
    plain = config.model_copy(
        update={"output": "runs", "threads": None, "fit": FittedRates(), "start": plan.start,
                "end": last}
    )  # fmt: skip
    text = to_yaml(plain) + write(plan.model_dump()) + repr(effort)
    return run_id(text, data.digest, code_digest(), config.seed, config.replicate)


def fit_yaml(section: FittedRates) -> str:
    """A fit as a file of configs/fit/."""
    return FILE_COMMENT + write(section.model_dump(exclude_none=True))


def arrivals_csv(fit: Fit) -> str:
    """The fitted table `arrivals` as CSV."""
    buffer = io.StringIO()
    fit.table().to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def _write(folder: RunFolder, fit: Fit, config: RunConfig, data: Data) -> None:
    section = fit.section()
    folder.add_text("config.yaml", to_yaml(fit.config(config)))
    folder.add_text(f"{fit.name}.yaml", fit_yaml(section))
    folder.add_text(f"{fit.name}.csv", factor_text(fit.factor))
    folder.add_text("arrivals.csv", arrivals_csv(fit))
    folder.add_text("report.md", fit_report(fit, config, data))
    folder.add_table("rates.parquet", rates_table(section))
    folder.add_table("targets.parquet", targets_table(fit))
    frames: dict[str, Any] = {
        "targets": targets_table(fit).to_pandas(), "rates": rates_table(section).to_pandas()
    }  # fmt: skip
    labels = {name: body.label.narrow for name, body in config.status.items()}
    colours = {name: body.colour for name, body in config.status.items()}
    title = f"Fit of {config.country.label.en}, {month_name(fit.start)} to {month_name(fit.until)}"
    for name, png in draw_fit(frames["targets"], frames["rates"], labels, colours, title).items():
        folder.add_bytes(f"figures/{name}.png", png)


def _adopt(fit: Fit, data: Data) -> None:
    """Make it the fit that runs take by default."""
    files = {
        configs_folder() / "fit" / f"{fit.name}.yaml": fit_yaml(fit.section()),
        configs_folder() / "fit" / f"{fit.name}.csv": factor_text(fit.factor),
        data.folder / "arrivals.csv": arrivals_csv(fit),
    }
    for path, text in files.items():
        write_atomically(path, lambda stream, text=text: stream.write(text.encode()))  # type: ignore[misc]
