"""Warnings to the reader of a run's figures; they end no run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sim.agents.state import State
from sim.config.checks.policy import idle
from sim.config.checks.run import out_of_range
from sim.config.schema.policy import Edit
from sim.config.schema.run import RunConfig
from sim.config.yaml import dotted
from sim.core.clock import month_index
from sim.model.model import Kyosei
from sim.policies.ratebook import RateBook

FEW_PEOPLE: Final = 10

FAR_YEARS: Final = 30

LARGE_CHANGE: Final = 10.0


def warnings_of(model: Kyosei) -> list[str]:
    """One sentence a warning, for a model before its first month."""
    config, state = model.config, model.state
    found = [*_ranges(config), *_horizon(config), *_edits(config, state), *idle(config)]
    return [*found, *_places(config, state)]


def _ranges(config: RunConfig) -> Iterator[str]:
    for path, rule, value in out_of_range(config):
        low, _, high = rule.partition(", ")[2].rstrip(".").partition(" to ")
        bounds = f"{low} to {high}"
        bounds = f"at most {high}" if low == "-inf" else bounds
        bounds = f"at least {low}" if high == "inf" else bounds
        yield f"{dotted(path)} = {value} lies outside the range of its source, {bounds}"


def _horizon(config: RunConfig) -> Iterator[str]:
    years = (month_index(config.end) - month_index(config.country.last_month)) / 12
    if years > FAR_YEARS:
        yield f"{config.end} is {years:.0f} years after the last data, {config.country.last_month}"


def _places(config: RunConfig, state: State) -> Iterator[str]:
    people = next(iter(state.record.places.values())).sum(axis=1)  # at the opening
    few = int((people < FEW_PEOPLE).sum())
    if config.scale < 1 and few:
        yield (
            f"at scale {config.scale:g}, {few:,} of {people.size:,} municipalities have fewer than"
            f" {FEW_PEOPLE} simulated people: read single places with care"
        )


def _edits(config: RunConfig, state: State) -> Iterator[str]:
    months = _turns(config, state)
    for name, edit in config.scenario.edits.items():
        rest = {other: body for other, body in config.scenario.edits.items() if other != name}
        scenario = config.scenario.model_copy(update={"edits": rest})
        without = RateBook(config.model_copy(update={"scenario": scenario}), state.rates)
        largest = _largest_change(config, state, without, months)
        if largest == 1.0:
            yield f"scenario.edits.{name} changes nothing in this run{_why(edit, config)}"
        elif largest > LARGE_CHANGE:
            yield f"scenario.edits.{name} changes a rate or arrivals {largest:.3g} times"


def _why(edit: Edit, config: RunConfig) -> str:
    if month_index(edit.since) > month_index(config.end):
        return f": it begins in {edit.since}, after the end"
    if edit.until is not None and month_index(edit.until) <= month_index(config.start):
        return f": it ends in {edit.until}, before the first month"
    return ""


def _turns(config: RunConfig, state: State) -> list[int]:
    """The months in which rates may change, ascending."""
    first, last = month_index(config.start) + 1, month_index(config.end)
    turns = {first, state.arrivals.last_past + 1}
    for edit in state.policy.edits:
        turns |= {edit.since, edit.until + 1}
    turns |= set(state.rates.months[:, 0].tolist()) | set((state.rates.months[:, 1] + 1).tolist())
    return sorted(month for month in turns if first <= month <= last)


def _largest_change(config: RunConfig, state: State, without: RateBook, months: list[int]) -> float:
    """Largest ratio, up or down, that an edit makes to a rate or to arrivals; 1 = no effect.

    A change to or from 0 has no ratio and counts as 2.
    """
    channels = [name in config.arrivals.channels for name in state.rates.codes.statuses]
    largest = 1.0
    for month in months:
        pairs = [(state.policy.base(month), without.base(month))]
        if not state.arrivals.is_past(month):
            new, old = (book.arrival_factor(month)[channels] for book in (state.policy, without))
            pairs.append((new, old))
        for new, old in pairs:
            other = new != old
            low, high = np.minimum(new, old)[other], np.maximum(new, old)[other]
            ratio = np.divide(high, low, out=np.full_like(high, 2.0), where=low > 0)
            largest = max(largest, float(ratio.max(initial=1.0)))
    return largest
