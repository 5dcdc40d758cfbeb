"""What only makes sense together in the section `firms`: names that exist, shares that add up."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Final

from sim.config.factors import MOST_SECTORS
from sim.config.messages import Problem, unknown
from sim.config.schema.firms import Firms
from sim.config.schema.run import RunConfig
from sim.config.yaml import Path
from sim.core.clock import month_index

CLOSE: Final = 1e-9

AT: Final = "firms"

MOST_KINDS_OF_SUPPORT: Final = 8


def check_firms(config: RunConfig) -> Iterator[Problem]:
    """Problems of the section; none if it is left out."""
    firms = config.firms
    if firms is None:
        return
    yield from _names(firms, config)
    yield from _fields(firms)
    yield from _shares(firms)
    if len(firms.sectors) > MOST_SECTORS:
        rule = f"has {len(firms.sectors)} names; there may be {MOST_SECTORS}."
        yield Problem((AT, "sectors"), rule)
    if len(firms.support.share) > MOST_KINDS_OF_SUPPORT:
        yield Problem((AT, "support", "share"), f"has more than {MOST_KINDS_OF_SUPPORT} kinds.")
    for name, cap in firms.caps.items():
        if month_index(cap.until) <= month_index(cap.since):
            yield Problem((AT, "caps", name, "until"), f"must be after {cap.since}.", cap.until)


def _same(
    path: Path, given: Collection[str], wanted: Collection[str], what: str
) -> Iterator[Problem]:
    yield from unknown(path, given, wanted, what)
    for name in wanted:
        if name not in given:
            yield Problem(path, f"says nothing of the {what} {name}. Add it.")


def _names(firms: Firms, config: RunConfig) -> Iterator[Problem]:
    residence = config.country.statuses
    for role in ("certified", "guidance", "barred"):
        yield from unknown((AT, role), [getattr(firms, role)], firms.statuses, "status of firms")
    yield from unknown((AT, "tier_of"), firms.tier_of, residence, "status")
    yield from unknown((AT, "tier_of"), firms.tier_of.values(), firms.tiers, "tier")
    yield from _same((AT, "employed"), firms.employed, firms.tier_of, "status with a tier")
    yield from unknown((AT, "jobless", "change"), firms.jobless.change, residence, "status")
    for name, tier in firms.tiers.items():
        here, other = (AT, "tiers", name, "shares"), tier.shares or name
        yield from unknown(here, [other], firms.tiers, "tier")
        if firms.tiers.get(other, tier).pool != tier.pool:
            yield Problem(here, f"must be a tier of the pool {tier.pool}.", other)
    for old, new in firms.keep.items():
        yield from unknown((AT, "keep"), [old, *new], firms.tiers, "tier")
    for at, names in (
        (("commuting",), firms.commuting),
        (("transfer", "tiers"), firms.transfer.tiers),
        (("caps",), list(firms.caps)),
    ):
        yield from unknown((AT, *at), names, firms.tiers, "tier")
    mixed = [name for mix in firms.mixes.values() for name in mix.statuses]
    yield from _same((AT, "mixes"), mixed, firms.tier_of, "status with a tier")
    for name, mix in firms.mixes.items():
        yield from unknown((AT, "mixes", name, "shares"), mix.shares, firms.sectors, "sector")
    for name, cap in firms.caps.items():
        of_tier = [status for status, tier in firms.tier_of.items() if tier == name]
        yield from unknown((AT, "caps", name, "statuses"), cap.statuses, of_tier, "status of it")
    for group, members in firms.groups.of.items():
        here = (AT, "groups", "of", group)
        yield from unknown(here, members, firms.tier_of, "status with a tier")
    for at, prefectures in (
        (("recruit", "pulling"), firms.recruit.pulling),
        (("transfer", "metropolitan"), firms.transfer.metropolitan),
    ):
        yield from unknown((AT, *at), prefectures, config.prefecture, "prefecture")
    pools = {tier.pool for tier in firms.tiers.values()}
    yield from _same((AT, "rules", "inspected"), firms.rules.inspected, pools, "pool")
    yield from unknown((AT, "rules", "frozen"), firms.rules.frozen, pools, "pool")


def _fields(firms: Firms) -> Iterator[Problem]:
    for name, sector in firms.sectors.items():
        yield from unknown((AT, "sectors", name, "field"), [sector.field], firms.fields, "field")
    for name, cap in firms.caps.items():
        yield from _same((AT, "caps", name, "fields"), cap.fields, firms.fields, "field")
    kinds = firms.support
    yield from _same((AT, "support", "cost"), kinds.cost, kinds.share, "kind of support")


def _shares(firms: Firms) -> Iterator[Problem]:
    sums = {
        ("statuses",): math.fsum(status.share for status in firms.statuses.values()),
        ("sizes",): math.fsum(size.establishments.value for size in firms.sizes.values()),
        ("sizes", "workers"): math.fsum(size.workers.value for size in firms.sizes.values()),
    }
    for at, total in sums.items():
        if abs(total - 1) > CLOSE:
            yield Problem((AT, at[0]), f"shares must add up to 1; they add up to {total:.10g}.")
