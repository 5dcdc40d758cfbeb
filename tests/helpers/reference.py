"""A slow stepper: one person after another, month by month, written from what settings mean.

Given the same people, seed and shares of arrivals as the engine it must end with the same people,
to the last bit.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate

from sim.config.schema.run import Channel, Fate
from sim.core.clock import month_index
from tests.helpers.reference_rules import (
    FULL,
    PROCESS,
    Person,
    Rules,
    below,
    identity,
    pick,
    threefry,
)

GONE = {"leave": "when_left", "die": "when_died", "citizen": "when_citizen"}
OVER = Fate(kind="leave", share=1.0, quality="derived")


@dataclass
class Reference:
    """Everybody. `shares` is the composition of each status's arrivals by (origin, prefecture)."""

    rules: Rules
    run_key: tuple[int, int]
    people: list[Person]
    now: int
    towns: dict[str, str]  # code -> prefecture, in order of code
    pull: dict[str, int]
    shares: dict[str, dict[tuple[str, str], float]]
    doors: dict[str, float]  # town -> in-moves from abroad
    flows: Counter[str] = field(default_factory=Counter)
    mothers: list[Person] = field(default_factory=list)
    sponsors: list[tuple[Person, str]] = field(default_factory=list)

    def step(self) -> None:
        """One month: permits and fates, births, brought family, dependants, arrivals."""
        self.now += 1
        self.flows, self.mothers, self.sponsors = Counter(), [], []
        for person in self.people:
            self.live(person)
        for mother in self.mothers:
            self.bear(mother)
        for sponsor, status in self.sponsors:
            self.bring(sponsor, status)
        for person in self.people:
            self.follow(person)
        self.people = [person for person in self.people if not person.gone]
        for person in self.people:
            person.event = None
        self.arrive()

    def words(self, key: int, process: str, block: int = 0) -> tuple[int, int, int, int]:
        """Four 32-bit words of a draw."""
        x, y = threefry(*self.run_key, key, self.now << 48 | PROCESS[process] << 32 | block)
        return x % FULL, x >> 32, y % FULL, y >> 32

    def live(self, person: Person) -> None:
        """The permit's end, then the fates that compete every month."""
        before = person.status
        if person.permit_end is not None and person.permit_end <= self.now:
            self.end_permit(person)
        if person.gone or person.status != before:
            return
        fates = list(self.rules.monthly(before))
        rates = [self.rules.value(path, fate, person, self.now) for path, fate in fates]
        if (total := sum(rates)) > 0.0:
            share = -math.expm1(-total / 12.0) / total
            self.draw_one(person, fates, [rate * share for rate in rates], "monthly_fate", 1)

    def draw_one(
        self, person: Person, fates: list[tuple[str, Fate]], shares: list[float], process: str,
        block: int,
    ) -> bool:  # fmt: skip
        """Lay the shares end to end and let the fate happen on which the word falls, if any."""
        word = self.words(person.key, process)[0]
        for (path, fate), end in zip(fates, accumulate(shares), strict=True):
            if word < below(end):
                self.happen(person, path, fate, block)
                return True
        return False

    def outcome(
        self, person: Person, occasion: str, fates: dict[str, Fate], process: str, block: int
    ) -> bool:
        named = [(f"{person.status}.{occasion}.{name}", fate) for name, fate in fates.items()]
        shares = [self.rules.value(path, fate, person, self.now) for path, fate in named]
        return self.draw_one(person, named, shares, process, block)

    def end_permit(self, person: Person) -> None:
        rule = self.rules.config.status[person.status]
        limit = rule.longest_stay
        over = limit is not None and self.now - person.since >= limit.value
        occasion = "at_limit" if over else "at_end"
        hit = self.outcome(person, occasion, getattr(rule, occasion), "permit_outcome", 0)
        if over and not hit:
            self.happen(person, f"{person.status}.at_limit.longest_stay", OVER, 0)
        if not person.gone and person.permit_end is not None and person.permit_end <= self.now:
            self.give_permit(person, 0, renewal=True)

    def happen(self, person: Person, path: str, fate: Fate, block: int) -> None:
        """A fate, after the authority's decision where there is one."""
        if fate.grant is not None:
            share = fate.grant.value * self.rules.factor(fate.grant.by, person, self.now)
            if self.words(person.key, "decision", block)[0] >= below(share):
                return
        self.flows[path] += 1
        match fate.kind:
            case "leave" | "die" | "citizen":
                person.event, person.gone, person.principal = GONE[fate.kind], True, None
            case "switch":
                self.switch(person, str(fate.to), block)
            case "stage":
                person.stage = fate.to
                self.give_permit(person, block)
            case "move":
                person.town, person.event = self.destination(person, block), "moved"
            case "birth":
                self.mothers.append(person)
            case "family":
                self.sponsors.append((person, str(fate.to)))
            case "arrears":
                person.arrears |= set(fate.bits)
            case "clear":
                person.arrears -= set(fate.bits)
            case "learn":
                person.language = min(person.language + 1, 4)

    def switch(self, person: Person, new: str, block: int) -> None:
        country, rule = self.rules.config.country, self.rules.config.status[new]
        told = {country.permanent: "when_permanent", country.irregular: "when_irregular"}
        person.event = told.get(new, person.event)
        if person.counting_since is not None and not rule.counts_for_pr:
            person.counting_since, person.banked = None, self.now - person.counting_since
        elif person.counting_since is None and rule.counts_for_pr:
            person.counting_since, person.banked = self.now - person.banked, 0
        person.status, person.since = new, self.now
        if rule.sponsor is None:
            person.principal = None
        self.begin(person, block)

    def begin(self, person: Person, block: int) -> None:
        """The stage and first permit of a new status."""
        stages = self.rules.config.status[person.status].stages
        word = self.words(person.key, "new_status", block)[0]
        mix = [(name, stage.arrivals) for name, stage in stages.items()]
        person.stage = pick(mix, word) if mix else None
        self.give_permit(person, block)

    def give_permit(self, person: Person, block: int, renewal: bool = False) -> None:
        rule = self.rules.config.status[person.status]
        if rule.permits is None and all(s.months is None for s in rule.stages.values()):
            person.permit_end = person.permit_months = None
            return
        mix = rule.permits and (rule.permits.renewed if renewal else rule.permits.first)
        course = rule.stages[person.stage].months if person.stage else None
        mix = course if course and not renewal else mix
        word = self.words(person.key, "permit_length", block)[0]
        person.permit_months = pick(sorted(mix.items()), word) if mix else 0
        end = self.now + person.permit_months
        if rule.longest_stay is not None:
            end = min(end, person.since + int(rule.longest_stay.value))
        person.permit_end = max(end, self.now + 1)

    def destination(self, person: Person, block: int) -> str:
        """A town other than one's own, by pull: in the prefecture or outside it."""
        where, near_word, _, far_word = self.words(person.key, "move", block)
        home = self.towns[person.town]
        near = [t for t, p in self.towns.items() if p == home and t != person.town]
        far = [t for t, p in self.towns.items() if p != home]
        stays = where < below(self.rules.config.life.same_prefecture_moves.value) and near
        among, word = (near, near_word) if stays else (far, far_word)
        place = word * sum(self.pull[t] for t in among) >> 32
        return among[sum(place >= end for end in accumulate(self.pull[t] for t in among))]

    def follow(self, person: Person) -> None:
        """A dependant hears of what happened to the principal this month."""
        principal = person.principal
        if person.gone or principal is None or principal.event is None:
            return
        if principal.event == "moved":
            person.town = principal.town
            return
        if principal.event != "when_permanent":
            person.principal = None
        sponsor = self.rules.config.status[person.status].sponsor
        if sponsor is not None:
            fates = getattr(sponsor, principal.event)
            self.outcome(person, principal.event, fates, "family", 2)

    def newcomer(
        self, key: int, status: str, origin: str, sex: str, born: int, town: str, language: int,
        principal: Person | None,
    ) -> None:  # fmt: skip
        rule = self.rules.config.status[status]
        person = Person(
            key, status, None, origin, sex, born, self.now, self.now, None, None, town, language,
            set(), self.now if rule.counts_for_pr else None,
        )  # fmt: skip
        person.principal = principal if rule.sponsor is not None else None
        self.begin(person, 0)
        self.people.append(person)

    def bear(self, mother: Person) -> None:
        rule = self.rules.config.status[mother.status]
        if rule.child == "national":
            return
        key = identity("birt", mother.key, self.now, 0)
        girl = self.words(key, "newborn")[0] < below(self.rules.config.life.newborn_female.value)
        principal = mother if rule.family else mother.principal
        self.newcomer(key, rule.child, mother.origin, "F" if girl else "M", self.now, mother.town,
                      0, principal)  # fmt: skip

    def bring(self, sponsor: Person, status: str) -> None:
        key = identity("fami", sponsor.key, self.now, 0)
        profile = self.profile(self.rules.config.arrivals.brought, key, "brought_family")
        sex, born, language = profile
        self.newcomer(key, status, sponsor.origin, sex, born, sponsor.town, language, sponsor)

    def profile(self, channel: Channel, key: int, process: str) -> tuple[str, int, int]:
        """(sex, month of birth, language)."""
        who, band, within, speaks = self.words(key, process)
        starts = sorted(channel.ages)
        ends = dict(zip(starts, [*starts[1:], channel.oldest], strict=True))
        age = pick([(a, channel.ages[a]) for a in starts], band)
        months = 12 * age + (within * 12 * (ends[age] - age) >> 32)
        language = pick(list(enumerate(channel.language)), speaks)
        return "F" if who < below(channel.female) else "M", self.now - months, language

    def arrive(self) -> None:
        """Newcomers from abroad: a number by status, origin and prefecture, then who they are."""
        config = self.rules.config
        for status, channel in config.arrivals.channels.items():
            years = max(self.now - month_index(config.start), 0) / 12
            level = channel.level / 12 * (1 + channel.growth) ** years * config.scale
            level = self.rules.edited(f"arrivals.{status}", level, self.now)
            for (origin, prefecture), share in self.shares[status].items():
                text = f"{status}|{origin}".encode()
                name = int.from_bytes(hashlib.sha256(text).digest()[:5], "big")
                cell = name << 24 | int(prefecture)
                doors = [(t, self.doors[t]) for t, p in self.towns.items() if p == prefecture]
                for ordinal in range(self.number(level * share, cell)):
                    key = identity("arrv", cell, self.now, ordinal)
                    sex, born, language = self.profile(channel, key, "arrival_person")
                    town = pick(doors, self.words(key, "arrival_person", 1)[0])
                    self.newcomer(key, status, origin, sex, born, town, language, None)

    def number(self, mean: float, cell: int) -> int:
        """A Poisson number: one uniform for each full 500 expected and one for the rest."""
        full = int(mean / 500)
        parts = [500.0] * full + [mean - 500.0 * full]
        return sum(self.poisson(part, cell, k) for k, part in enumerate(parts))

    def poisson(self, mean: float, cell: int, part: int) -> int:
        low, high, _, _ = self.words(cell, "arrival_count", part)
        u = 1 - (((high << 32 | low) >> 12) + 0.5) / 2**52
        count, term = 0, math.exp(-mean)
        total = term
        while u > total:
            count += 1
            term *= mean / count
            total += term
        return count
