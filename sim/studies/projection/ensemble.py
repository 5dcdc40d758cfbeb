"""The members of a projection: who they are, and the plan of their runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from sim.config.compose import compose
from sim.config.schema.run import RunConfig
from sim.studies.draws import ERROR, Ensemble
from sim.studies.projection.settings import Request
from sim.studies.words import lasting
from sim.sweeps.plan import Plan, planned

ALL: Final = "all"
"""Name of the ensemble in which every source is drawn; the others are named by their source."""


class Member(NamedTuple):
    """A member of the ensemble in which every source, or one alone, is drawn."""

    ensemble: str
    number: int  # from 1
    run: str


@dataclass(frozen=True)
class Projected:
    """A projection with its runs.

    config   the central settings, at the scale of the one run that is made in detail
    members  those of every ensemble, in the order of the plan's runs
    """

    request: Request
    config: RunConfig
    draws: Ensemble
    members: list[Member]
    plan: Plan

    def of(self, ensemble: str) -> list[Member]:
        return [member for member in self.members if member.ensemble == ensemble]

    @property
    def sources(self) -> list[str]:
        """The sources that have an ensemble of their own."""
        return [name for name in dict.fromkeys(m.ensemble for m in self.members) if name != ALL]

    @property
    def drawn(self) -> list[str]:
        """The sources of which the members draw something, the model error included."""
        return [*self.draws.sources(), ERROR]

    def detail(self, member: int) -> RunConfig:
        """The settings of a member at the scale that is made in detail."""
        return self.draws.member(member)

    @property
    def number(self) -> str:
        """16 hexadecimal digits that change with whatever the results depend on."""
        settings, plan = self.request.settings.model_dump_json(), self.plan
        detail = self.config.scale, self.config.figures
        content = [self.members, detail, settings, plan.code, plan.data]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def projected(request: Request) -> Projected:
    """All runs that the projection needs, planned. Raises ConfigError with every problem."""
    config = compose(request.words)
    fixed = [word.partition("=")[0].lstrip("~") for word in request.words]
    draws = Ensemble(config, fixed)
    settings = request.settings
    wanted = [(ALL, number) for number in range(1, settings.members + 1)]
    wanted += [(source, number) for source in draws.sources()
               for number in range(1, settings.split + 1)]  # fmt: skip
    shared = [word for word in lasting(request.words)
              if word.partition("=")[0] not in ("scale", "figures")]  # fmt: skip
    small = {"scale": settings.member_scale, "figures": False, "threads": None}
    lines, configs = [], []
    for ensemble, number in wanted:
        sources = draws.sources() if ensemble == ALL else [ensemble]
        own = draws.words(number, sources)
        lines.append([*shared, f"scale={settings.member_scale!r}", "figures=false", *own])
        configs.append(draws.member(number, sources).model_copy(update=small))
    root = Path(config.output).absolute()
    plan = planned(lines, ["replicate"], root, configs)
    members = [Member(ensemble, number, run.number)
               for (ensemble, number), run in zip(wanted, plan.runs, strict=True)]  # fmt: skip
    return Projected(request, config, draws, members, plan)
