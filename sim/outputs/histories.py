"""Tables of the lives of followed residents: `histories=N`. Counts are of simulated people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sim.agents.histories import (
    AGE_STEP,
    STATE,
    WAYS,
    Begun,
    Came,
    Followed,
    Met,
)
from sim.agents.record import CODE, FLAG, Column
from sim.config.factors import SEXES
from sim.core.clock import NEVER, date_of
from sim.core.errors import InvariantError
from sim.outputs.outcome import Outcome
from sim.outputs.tables import DATE, IDENTITY, LEAVING, MONTH, TEXT, WHOLE, codes_of, table

ASKED: Final = "histories"

PERSON: Final = Column("person", "number of the person, below 2^53", IDENTITY)

NUMBER_BITS: Final = np.uint64(11)
"""Lowest bits of a key of 64 that its number leaves out, so that no program rounds it."""

SHOWN: Final = ("switch", "stage", "move", "quit", "short")
"""Kinds of fates that a spell may begin with."""

OTHERWISE: Final = {"status": "other", "municipality": "with_principal", "employer": "job",
                    "permit_end": "renewed"}  # fmt: skip
"""Why a spell began without a fate, by what changed."""

SOURCES: Final = {"arrival": "arrived", "family": "arrived", "birth": "born"}
"""What the table `flows` calls where newcomers come from."""

OF_CELLS: Final = (
    Column("status", "status of residence when the month began", CODE), Column("sex", "F, M", CODE),
    Column("age", "first of five years of age", WHOLE),
    Column("duration", "completed years in the status; 10 or more are 10", WHOLE),
)  # fmt: skip


class Lives:
    """What was seen of the followed people, as arrays: one row a person, an event, a spell.

    came, met, begun  concatenated, in order of key and time, with the months in `*_month`
    """

    def __init__(self, run: Outcome) -> None:
        followed = run.followed
        assert followed is not None
        self.names, self.statuses = run.rates.names, run.statuses
        self.end = run.record.months[-1]
        self.came, self.came_month = _together(Came, followed.came)
        self.met, self.met_month = _together(Met, followed.met)
        self.begun, self.begun_month = _together(Begun, followed.begun)
        leaving = np.array([name.kind in LEAVING for name in self.names])
        gone = leaving[self.met.fate]
        self.gone = dict(zip(self.met.key[gone].tolist(), self.met_month[gone].tolist(),
                             strict=True))  # fmt: skip

    def fates(self, events: np.ndarray) -> dict[tuple[int, int], int]:
        """(person's key, month) -> the fate met there: the last one of these events."""
        met = self.met.key[events], self.met_month[events], self.met.fate[events]
        keys, months, fates = (column.tolist() for column in met)
        return dict(zip(zip(keys, months, strict=True), fates, strict=True))

    def first_status(self) -> np.ndarray:
        """int64[P]: status under which each person came: before what befell them in that month."""
        backwards = np.arange(self.met.key.size)[::-1]  # so that the first of a month stays
        first = {at: self.statuses.index(self.names[fate].status)
                 for at, fate in self.fates(backwards).items()}  # fmt: skip
        pairs = zip(self.came.key.tolist(), self.came_month.tolist(), self.came.way,
                    self.came.status.tolist(), strict=True)  # fmt: skip
        return np.array([first.get((key, month), status) if WAYS[way] in ("birth", "family")
                         else status for key, month, way, status in pairs], np.int64)  # fmt: skip


def _together(kind: type, parts: Sequence[Any]) -> tuple[Any, np.ndarray]:
    """One record of all parts, by key and, for one key, in order of time; and the month of each."""
    month = np.repeat([part.month for part in parts], [part.key.size for part in parts])
    key = np.concatenate([part.key for part in parts])
    order = np.argsort(key, kind="stable")
    rest = (np.concatenate([part[k] for part in parts], axis=-1)[..., order]
            for k in range(1, len(kind._fields)))  # type: ignore[attr-defined]  # fmt: skip
    return kind(0, *rest), month[order]


def numbers_of(keys: np.ndarray) -> np.ndarray:
    """int64: numbers of people or firms, exact in R, Stata and Excel."""
    return (keys >> NUMBER_BITS).astype(np.int64)


def _dates(months: np.ndarray) -> np.ndarray:
    """datetime64[D]: first days of months; none for NEVER."""
    unique, place = np.unique(months, return_inverse=True)
    days = [np.datetime64("NaT") if month >= NEVER else date_of(month) for month in unique.tolist()]
    return np.array(days, "datetime64[D]")[place]


def _words(words: Sequence[str]) -> pa.Array:
    return pa.array(list(words), pa.string()).dictionary_encode()


@table(
    "persons", PERSON, Column("identity", "the whole key, 16 hexadecimal digits", TEXT),
    Column("origin", "nationality or region", CODE), Column("sex", "F, M", CODE),
    Column("born", "month of birth", DATE), Column("entered", "month of first entry", DATE),
    Column("from", "month in which the person is first seen", DATE),
    Column("came", "opening, arrival, family or birth", CODE),
    Column("to", "month in which the person is gone; none at the end", DATE),
    asked=ASKED,
)  # fmt: skip
def persons(run: Outcome) -> Mapping[str, Any]:
    """A person who is followed: resident at the opening, or a newcomer since."""
    lives = Lives(run)
    came = lives.came
    number = numbers_of(came.key)
    if np.unique(number).size < number.size:
        raise InvariantError("two followed people have one number")
    gone = np.array([lives.gone.get(key, NEVER) for key in came.key.tolist()])
    return {
        "person": number,
        "identity": [f"{key:016x}" for key in came.key.tolist()],
        "origin": codes_of(came.origin, run.rates.codes.origins),
        "sex": codes_of(came.sex, SEXES),
        "born": _dates(came.born.astype(np.int64)),
        "entered": _dates(came.entered.astype(np.int64)),
        "from": _dates(lives.came_month),
        "came": codes_of(came.way, WAYS),
        "to": _dates(gone),
    }


@table(
    "spells", PERSON, Column("from", "month at whose end it has begun", DATE),
    Column("to", "month at whose end it is over; the last month of the run if it is not", DATE),
    Column("ended", "whether it is over", FLAG), Column("status", "status of residence", CODE),
    Column("prefecture", "of residence", CODE),
    Column("municipality", "code of the municipality", CODE),
    Column("employer", "number of the establishment, below 2^53; 0 without a job", IDENTITY),
    Column("permit", "month in which the permit ends", DATE),
    Column("reason", "transition with which it began, or `renewed`, `job`, ...", CODE),
    asked=ASKED,
)  # fmt: skip
def spells(run: Outcome) -> Mapping[str, Any]:
    """A time in which a followed person has one status, home, employer and permit."""
    lives = Lives(run)
    begun, month = lives.begun, lives.begun_month
    same = np.append(begun.key[1:] == begun.key[:-1], False)
    ended = np.array([lives.gone.get(key, NEVER) for key in begun.key.tolist()])
    ended[same] = np.append(month[1:], NEVER)[same]
    place = begun.state[STATE.index("municipality")].astype(np.int64)
    employer = begun.state[STATE.index("employer")]
    world, codes = run.prefecture, run.rates.codes
    return {
        "person": numbers_of(begun.key),
        "from": _dates(month),
        "to": _dates(np.minimum(ended, lives.end)),
        "ended": ended < NEVER,
        "status": codes_of(begun.state[STATE.index("status")], codes.statuses),
        "prefecture": codes_of(world[place], codes.prefectures),
        "municipality": codes_of(place, codes.municipalities),
        "employer": numbers_of(employer),
        "permit": _dates(begun.state[STATE.index("permit_end")].astype(np.int64)),
        "reason": _words(_reasons(lives, same)),
    }


def _reasons(lives: Lives, followed_by: np.ndarray) -> list[str]:
    """Why each spell began. followed_by: whether the next spell is of the same person."""
    shown = np.array([name.kind in SHOWN for name in lives.names])[lives.met.fate]
    met = {at: lives.names[fate].name for at, fate in lives.fates(shown).items()}
    way = dict(zip(lives.came.key.tolist(), lives.came.way.tolist(), strict=True))
    begun = lives.begun
    first = ~np.append(False, followed_by[:-1])
    before = np.concatenate([begun.state[:, :1], begun.state[:, :-1]], axis=1)
    changed = (begun.state != before).argmax(axis=0)
    out = []
    for k, (key, month) in enumerate(zip(begun.key.tolist(), lives.begun_month.tolist(),
                                         strict=True)):  # fmt: skip
        other = WAYS[way[key]] if first[k] else OTHERWISE[STATE[changed[k]]]
        out.append(other if first[k] else met.get((key, month), other))
    return out


@table(
    "events", PERSON, MONTH, Column("from", "status before, `arrived` or `born`", CODE),
    Column("to", "status after, `left`, `died` or `naturalised`", CODE),
    Column("reason", "name of the transition", CODE),
    asked=ASKED,
)  # fmt: skip
def events(run: Outcome) -> Mapping[str, Any]:
    """Something that befell a followed person; where the status stays, `from` and `to` are one."""
    lives = Lives(run)
    names, statuses = lives.names, np.array(lives.statuses)
    after = [name.to if name.kind == "switch" else LEAVING.get(name.kind, name.status)
             for name in names]  # fmt: skip
    new = np.array([WAYS[way] in SOURCES for way in lives.came.way])
    way = np.array([WAYS[way] for way in lives.came.way], object)[new]
    key = np.concatenate([lives.came.key[new], lives.met.key])
    month = np.concatenate([lives.came_month[new], lives.met_month])
    order = np.lexsort((np.arange(key.size), month, key))
    fate = lives.met.fate

    def both(came: Sequence[Any], met: Sequence[Any]) -> pa.Array:
        words = [*came, *met]
        return _words([words[place] for place in order.tolist()])

    return {
        "person": numbers_of(key[order]),
        "month": _dates(month[order]),
        "from": both([SOURCES[w] for w in way], [names[f].status for f in fate]),
        "to": both(statuses[lives.first_status()[new]], [after[f] for f in fate]),
        "reason": both(way, [names[f].name for f in fate]),
    }


def _cells(counts: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
    """(row of each count that is not 0, its columns from sex on), of int64[N, *CELLS]."""
    row, sex, age, years = np.nonzero(counts)
    return row, {"sex": codes_of(sex, SEXES), "age": (age * AGE_STEP).astype(np.int16),
                 "duration": years.astype(np.int16)}  # fmt: skip


def _followed(run: Outcome) -> Followed:
    assert run.followed is not None
    return run.followed


@table(
    "exposures", *OF_CELLS, Column("person_months", "months lived by followed people"), asked=ASKED,
)  # fmt: skip
def exposures(run: Outcome) -> Mapping[str, Any]:
    """Months that followed people lived in the run, by what they were when the month began."""
    lived = _followed(run).exposure
    row, columns = _cells(lived)
    return {
        "status": codes_of(row, run.statuses), **columns,
        "person_months": lived[lived > 0].astype(np.float64),
    }  # fmt: skip


@table(
    "occurrences", *OF_CELLS, Column("reason", "name of the transition", CODE),
    Column("occasion", "monthly, or what else it happens at", CODE),
    Column("events", "of followed people"), asked=ASKED,
)  # fmt: skip
def occurrences(run: Outcome) -> Mapping[str, Any]:
    """Transitions in these months. Events over months lived are the rates, a month."""
    met = _followed(run).occurrences
    fate, columns = _cells(met)
    names = run.rates.names
    return {
        "status": _words([names[f].status for f in fate]), **columns,
        "reason": _words([names[f].name for f in fate]),
        "occasion": _words([names[f].occasion for f in fate]),
        "events": met[met > 0].astype(np.float64),
    }  # fmt: skip
