"""A tiny invented country: five statuses, two origins, three prefectures, six towns."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.agents.state import State
from sim.config.schema.run import RunConfig
from sim.core.clock import month_index
from sim.core.rng import TAG_OPENING, identity
from sim.data.load import Data
from sim.model.model import Kyosei
from sim.model.opening import state_of

START = "2025-06"
STATUSES = ["permanent", "worker", "learner", "partner", "hidden"]
TOWNS = ["01101", "01102", "02201", "02202", "03301", "03302"]
A = {"quality": "assumption"}


def label(text: str) -> dict[str, str]:
    return {"en": text, "ja": text}


def status(**over: Any) -> dict[str, Any]:
    body = {
        "label": label("status"), "law": "none", "group": "all", "colour": "#336699",
        "published": True, "settled": False, "work": "any", "family": False,
        "counts_for_pr": True, "child": "partner", "permits": None,
        "liable": {**A, "nhi": 0.5, "pension": 0.25},
        "opening": {**A, "turnover": 0.2, "earlier_years": 1.0,
                    "language": [1.0, 0.0, 0.0, 0.0, 0.0]},
    }  # fmt: skip
    return {**body, **over}


def leave(rate: float, **over: Any) -> dict[str, Any]:
    return {**A, "kind": "leave", "rate": rate, **over}


def switch(to: str, **over: Any) -> dict[str, Any]:
    return {**A, "kind": "switch", "to": to, **over}


def channel(level: float, **over: Any) -> dict[str, Any]:
    body = {
        **A,
        "level": level,
        "phi": 0.8,
        "sigma": 0.0,
        "female": 0.5,
        "ages": {20: 0.5, 30: 0.5},
        "oldest": 40,
        "language": [1.0, 0.0, 0.0, 0.0, 0.0],
    }
    return {**body, **over}


def raw() -> dict[str, Any]:
    """The configuration as plain data; a new copy each time."""
    permit = {**A, "first": {12: 0.5, 36: 0.5}, "renewed": {12: 0.2, 36: 0.3, 60: 0.5}}
    tie = {event: {} for event in ("when_left", "when_died", "when_citizen", "when_permanent",
                                   "when_irregular")}  # fmt: skip
    tie["when_left"] = {"follow": {**A, "kind": "leave", "share": 0.9}}
    tie["when_permanent"] = {"settle": switch("permanent", share=0.5)}
    return copy.deepcopy({
        "start": START, "end": "2027-06", "scale": 1.0, "seed": 0, "replicate": 0, "threads": 1,
        "output": "runs", "figures": False,
        "country": {
            "name": "tiny", "label": label("Tiny"), "data": "tiny", "first_month": "2012-12",
            "last_month": "2025-06", "statuses": STATUSES, "origins": ["north", "south"],
            "groups": {"all": {"label": label("All"), "colour": "#336699"}},
            "permanent": "permanent", "irregular": "hidden",
        },
        "scenario": {"name": "none", "title": label("None")},
        "status": {
            "permanent": status(settled=True, family=True, monthly={"leave": leave(0.01)}),
            "worker": status(family=True, permits=permit, monthly={
                "leave": leave(0.15, by={"years_resident": {0: 1.5, 5: 0.5},
                                         "origin": {"south": 1.2}}),
                "bring": {**A, "kind": "family", "to": "partner", "rate": 0.05},
                "permanent": switch("permanent", rate=0.3,
                                    gate={"years_resident": 3, "permit_months": 36},
                                    grant={**A, "value": 0.65, "by": {"arrears": {"any": 0.5}}}),
            }, at_end={
                "refused": {**A, "kind": "leave", "share": 0.05, "by": {"arrears": {"any": 2.0}}},
                "overstay": switch("hidden", share=0.01),
            }),
            "learner": status(counts_for_pr=False, stages={
                "short": {**A, "label": label("Short"), "share": 0.4, "arrivals": 0.8,
                          "months": {12: 0.5, 18: 0.5}},
                "long": {**A, "label": label("Long"), "share": 0.6, "arrivals": 0.2,
                         "months": {48: 1.0}},
            }, monthly={"leave": leave(0.02)}, at_end={
                "next_course": {**A, "kind": "stage", "to": "long", "share": 0.5,
                                "by": {"stage": {"long": 0.0}}},
                "work": switch("worker", share=0.3, by={"stage": {"long": 2.0}}),
                "leave": {**A, "kind": "leave", "share": 0.2},
            }),
            "partner": status(permits=permit, monthly={"leave": leave(0.05)},
                              sponsor={**A, "of": ["worker", "permanent"], **tie}),
            "hidden": status(published=False, counts_for_pr=False, child="hidden",
                             monthly={"leave": leave(0.2)}),
        },
        "origin": {o: {"label": label(o), "colour": "#336699"} for o in ("north", "south")},
        "prefecture": {f"0{k}": {"en": f"P{k}", "ja": f"P{k}", "row": 0, "column": k,
                                 "region": "r"} for k in (1, 2, 3)},
        "life": {
            "monthly": {
                "die": {**A, "kind": "die", "rate": 1.0, "by": {"age_sex": {
                    "F": {0: 0.001, 40: 0.004, 65: 0.02, 85: 0.12},
                    "M": {0: 0.001, 40: 0.006, 65: 0.03, 85: 0.15}}}},
                "birth": {**A, "kind": "birth", "rate": 1.0, "by": {"age_sex": {
                    "F": {0: 0.0, 15: 0.02, 25: 0.09, 35: 0.04, 45: 0.0}, "M": {0: 0.0}}}},
                "move": {**A, "kind": "move", "rate": 0.2, "by": {"municipality": "mobility"}},
                "learn": {**A, "kind": "learn", "rate": 0.3, "by": {"language": {4: 0.0}}},
                "nhi_arrears": {**A, "kind": "arrears", "bits": ["nhi"], "rate": 0.1,
                                "by": {"arrears": {"nhi": 0.0}}},
                "nhi_clear": {**A, "kind": "clear", "bits": ["nhi"], "rate": 0.5,
                              "by": {"arrears": {"nhi": 1.0}}},
                "naturalise": {**A, "kind": "citizen", "rate": 0.02,
                               "gate": {"years_resident": 5}, "grant": {**A, "value": 0.9}},
            },
            "newborn_female": {**A, "value": 0.4878}, "same_prefecture_moves": {**A, "value": 0.45},
            "paying_ages": {**A, "nhi": [18, 74], "pension": [20, 59], "tax": [18, 110]},
        },
        "arrivals": {"mode": "conditional", "shocks": False, "origin_years": 2.0,
                     "channels": {"worker": channel(1200.0), "learner": channel(2400.0)},
                     "brought": channel(0.0)},
        "event": {}})  # fmt: skip


def config(change: dict[str, Any] | None = None, **settings: Any) -> RunConfig:
    """The tiny configuration with settings replaced; `change` maps dotted paths to values."""
    body = raw() | settings
    for path, value in (change or {}).items():
        *parents, last = path.split(".")
        node = body
        for name in parents:
            node = node.setdefault(name, {})
        if value is None:
            node.pop(last, None)
        else:
            node[last] = value
    return RunConfig.model_validate(body)


def data() -> Data:
    """Tables of the tiny country."""
    towns = pd.DataFrame({"municipality": TOWNS, "prefecture": [t[:2] for t in TOWNS]})
    flows = pd.DataFrame({
        "municipality": TOWNS, "population": [4000, 1000, 2000, 2000, 500, 500],
        "in_domestic": [700, 200, 300, 300, 50, 50], "out_domestic": [600, 250, 300, 300, 80, 70],
        "in_abroad": [900, 100, 300, 200, 50, 30],
    })  # fmt: skip
    pairs = [(d, o, s, 500 + 100 * k) for k, d in enumerate(["2024-12", "2025-06"])
             for o in ("north", "south") for s in STATUSES[:4]]  # fmt: skip
    origin_status = pd.DataFrame(pairs, columns=["date", "origin", "status", "people"])
    pref = [(p, g, 100.0) for p in ("01", "02", "03") for g in STATUSES[:4]]
    pref_status = pd.DataFrame(pref, columns=["prefecture", "status_group", "people"])
    pref_origin = pd.DataFrame(
        [(p, o, 200.0) for p in ("01", "02", "03") for o in ("north", "south")],
        columns=["prefecture", "origin", "people"],
    )
    tables = {
        "municipalities": towns, "municipality_flows": flows,
        "stocks_origin_status": origin_status,
        "stocks_prefecture_status": pref_status.assign(date=START),
        "stocks_prefecture_origin": pref_origin.assign(date=START),
        "status_groups": pd.DataFrame({"status": STATUSES[:4], "status_group": STATUSES[:4]}),
        "overstayers": pd.DataFrame({"date": [START], "status": ["total"], "origin": ["south"],
                                     "people": [10]}),
        "arrivals": pd.DataFrame({"date": [], "status": [], "people": []}),
    }  # fmt: skip
    return Data("tiny", Path("tiny"), tables, "0" * 64)


def columns(n: int, chosen: list[str] | None = None, salt: int = 0) -> dict[str, np.ndarray]:
    """n opening residents spread over statuses (or `chosen`), origins, ages and towns."""
    now, k = month_index(START), np.arange(n)
    names = chosen or STATUSES
    rng = np.random.default_rng(1234 + salt)
    entered = now - rng.integers(1, 240, n)
    since = now - rng.integers(0, np.maximum(now - entered, 1))
    statuses = np.array([STATUSES.index(s) for s in names])[k % len(names)]
    keys = [identity(TAG_OPENING, np.uint64(j), np.uint64(salt), 0) for j in range(n)]
    partner = np.where(statuses == STATUSES.index("worker"))[0]
    principal = np.full(n, -1, np.int32)
    if partner.size:
        is_partner = statuses == STATUSES.index("partner")
        principal[is_partner] = rng.choice(partner, is_partner.sum())
    limited = np.isin(statuses, [1, 2, 3])
    return {
        "key": np.array(keys, np.uint64), "status": statuses.astype(np.uint8),
        "stage": (k % 2).astype(np.uint8) * (statuses == 2),
        "origin": (k // 2 % 2).astype(np.uint8),
        "sex": (k // 3 % 2).astype(np.uint8),
        "born": (entered - rng.integers(18 * 12, 60 * 12, n)).astype(np.int16),
        "entered": entered.astype(np.int16), "since": since.astype(np.int16),
        "permit_end": np.where(limited, now + rng.integers(1, 36, n), 32767).astype(np.int16),
        "permit_months": np.where(limited, 36, 255).astype(np.uint8),
        "municipality": (k % 6).astype(np.uint16), "principal": principal,
        "language": (k % 5).astype(np.uint8), "arrears": (k % 7 == 0).astype(np.uint8),
        "counting": entered.astype(np.int16),
    }  # fmt: skip


def state(cfg: RunConfig, people: dict[str, np.ndarray], threads: int = 1) -> State:
    """A run about to start from given people."""
    return state_of(cfg, data(), people, threads)


def model(cfg: RunConfig, people: dict[str, np.ndarray], threads: int = 1) -> Kyosei:
    """A run about to start from given people."""
    return Kyosei(cfg, state=state(cfg, people, threads))
