"""The sentences of a page in English and Japanese: its title, and what its ranges mean."""

from __future__ import annotations

import math
from typing import Final

import pandas as pd

from sim.pages.labels import Text, text
from sim.pages.study import Arm, Study
from sim.pages.tables import is_distinguishable
from sim.studies.comparison.series import EVERYBODY

HEADLINE: Final = ("residents", "settled", "irregular")
"""The three figures of the first page."""

TITLE: Final = ("settled", "irregular", "residents", "permanent")
"""Effects that a title may tell, the most telling first."""

MOST_SHOWN: Final = 2

_THING: Final[dict[str, Text]] = {
    "residents": {"en": "foreign residents", "ja": "在留外国人"},
    "settled": {"en": "settled residents", "ja": "定着型在留資格の人"},
    "irregular": {"en": "people without a status", "ja": "在留資格のない人"},
    "permanent": {"en": "permanent residents", "ja": "永住者"},
}

_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August",
                  "September", "October", "November", "December")  # fmt: skip


def title(study: Study, arm: Arm) -> Text:
    """What the page says in one sentence of an arm, with the numbers in it."""
    if study.effects is not None and arm is not study.arms[0]:
        return _effect_title(study, arm)
    return _level_title(study, arm)


def _effect_title(study: Study, arm: Arm) -> Text:
    effects = study.effects
    assert effects is not None
    own = effects[(effects["arm"] == arm.code) & (effects["by"] == EVERYBODY)]
    last = own[own["month"] == study.months[-1]].set_index("indicator")
    found = []
    for code in TITLE:
        if code in last.index:
            effect, low, high = (float(last[name][code]) for name in ("effect", "low", "high"))
            if is_distinguishable(effect, low, high, study.replicates):
                found.append((code, effect))
    name, when = text(arm.title), month(study.months[-1])
    if (last[["effect", "low", "high"]] == 0.0).all(axis=None):
        return {
            "en": f"{name['en']}: exactly no difference by {when['en']}",
            "ja": f"{name['ja']}：{when['ja']}まで差はまったくない",
        }
    if not found:
        one_pair = study.replicates < 2
        return {
            "en": f"{name['en']}: no difference that can be told from zero by {when['en']}"
            + (" (a single pair of runs)" if one_pair else ""),
            "ja": f"{name['ja']}：{when['ja']}まで、ゼロと区別できる差は見られない"
            + ("（1組の実行のみ）" if one_pair else ""),
        }
    told = found[:MOST_SHOWN]
    en = " and ".join(
        f"{'about ' if k == 0 else ''}{rounded(abs(effect), 'en')}"
        f" {'fewer' if effect < 0 else 'more'} {_THING[code]['en']}"
        for k, (code, effect) in enumerate(told)
    )
    ja = "、".join(
        f"{_THING[code]['ja']}が約{rounded(abs(effect), 'ja')}人{end}"
        for (code, effect), end in zip(told, _endings(told), strict=True)
    )
    return {
        "en": f"{name['en']}: {en} by {when['en']}",
        "ja": f"{name['ja']}：{when['ja']}には{ja}",
    }


def _endings(told: list[tuple[str, float]]) -> list[str]:
    """少なく、…多い: all but the last in the form that goes on."""
    last = len(told) - 1
    return [
        ("少ない" if k == last else "少なく") if effect < 0 else ("多い" if k == last else "多く")
        for k, (_, effect) in enumerate(told)
    ]


def _level_title(study: Study, arm: Arm) -> Text:
    own = study.values
    own = own[(own["by"] == EVERYBODY) & (own["arm"] == arm.code)].set_index("indicator")
    months = study.months
    people = own.loc[["residents"]].set_index("month")["mean"]
    first, last = float(people[months[0]]), float(people[months[-1]])
    settled = own.loc[["settled"]].set_index("month")["mean"]
    share = float(settled[months[-1]]) / max(last, 1.0)
    begins, ends = month(months[0]), month(months[-1])
    name, country = text(arm.title), text(study.config.country.label)
    times = f"{last / max(first, 1.0):.1f}"
    if study.quantiles is not None:
        low, high = (float(own.loc[["residents"]].set_index("month")[end][months[-1]])
                     for end in ("low", "high"))  # fmt: skip
        around = (
            ""
            if math.isnan(low)
            else (f" (80% interval {rounded(low, 'en')} to {rounded(high, 'en')})")
        )
        ja = (
            ""
            if math.isnan(low)
            else (f"（80％区間：{rounded(low, 'ja')}～{rounded(high, 'ja')}人）")
        )
        return {
            "en": f"{name['en']}: about {rounded(last, 'en')} foreign residents of {country['en']}"
            f" in {ends['en']}{around}; {share:.0%} of them are settled",
            "ja": f"{name['ja']}：{ends['ja']}の{country['ja']}の在留外国人は"
            f"約{rounded(last, 'ja')}人{ja}、うち定着型在留資格は{share:.0%}",
        }
    return {
        "en": f"{name['en']}: about {rounded(last, 'en')} foreign residents of {country['en']} in"
        f" {ends['en']}, {times} times those of {begins['en']}; {share:.0%} of them are settled",
        "ja": f"{name['ja']}：{ends['ja']}の{country['ja']}の在留外国人は"
        f"約{rounded(last, 'ja')}人で{begins['ja']}の{times}倍、うち定着型在留資格は{share:.0%}",
    }


def month(when: pd.Timestamp) -> Text:
    """`December 2030`, `2030年12月`."""
    return {"en": f"{_MONTHS[when.month - 1]} {when.year}", "ja": f"{when.year}年{when.month}月"}


def rounded(people: float, language: str) -> str:
    """Two significant digits, as people say them: `22,000`, `9.1 million`; `2万2000`, `910万`."""
    if people < 1:
        return "0"
    size = math.floor(math.log10(people))
    whole = round(people, 1 - size)
    if language != "ja":
        return f"{whole / 1e6:.2g} million" if whole >= 1e6 else f"{whole:,.0f}"
    many, rest = divmod(int(whole), 10_000)
    return f"{many:,}万{rest}" if many and rest else f"{many:,}万" if many else f"{rest:,}"


def subtitle(study: Study) -> Text:
    """Against what, how many runs, and what the ranges leave out."""
    base = text(study.arms[0].title)
    scale, share = study.config.scale, f"{study.design.confidence:.0%}"
    sample = f"a {scale:.3g} sample" if scale < 0.001 else f"a {100 * scale:.3g}% sample"
    part = {"en": "everybody" if scale == 1 else sample,
            "ja": "全数" if scale == 1 else f"{100 * scale:.3g}%標本"}  # fmt: skip
    count = study.replicates
    fixed = {
        "en": "they leave out what is not known about how people respond, which is mostly assumed",
        "ja": "人々の反応がどれだけ不確かか（多くは仮定）は含まない",
    }
    if study.quantiles is not None:
        held = f"{100 * float(study.manifest['member_scale']):.3g}"
        return {
            "en": f"Medians and {share} intervals of {count} members (each a {held}% sample) that"
            " draw rates, demand, arrivals, responses, model error and random numbers; the law and"
            " the form of the model are held fixed.",
            "ja": f"率・需要・入国・反応・モデル誤差・乱数を引いた{count}組（各{held}%標本）の"
            f"中央値と{share}区間。法制度とモデルの形は固定。",
        }
    if study.effects is not None and study.design.drawn:
        return {
            "en": f"Against “{base['en']}”. Ranges are {share} intervals over {count} paired runs"
            f" of {part['en']} that draw rates, demand, arrivals, responses and random numbers"
            " alike; the law and the form of the model are held fixed.",
            "ja": f"「{base['ja']}」との差。範囲は、率・需要・入国・反応・乱数を共通に引いた"
            f"{count}組の対の実行（{part['ja']}）の{share}区間。法制度とモデルの形は固定。",
        }
    if study.effects is not None and count > 1:
        return {
            "en": f"Against “{base['en']}”. Ranges are {share} simulation intervals"
            f" ({count} paired runs of {part['en']}); {fixed['en']}.",
            "ja": f"「{base['ja']}」との差。範囲は{share}のシミュレーション区間"
            f"（{part['ja']}、{count}組の対の実行）で、{fixed['ja']}。",
        }
    if study.effects is not None:
        return {
            "en": f"Against “{base['en']}”: the difference of a single pair of runs of"
            f" {part['en']}. There is no interval, so no difference counts as known.",
            "ja": f"「{base['ja']}」との差（{part['ja']}、1組の実行）。"
            "区間がないため、差は確かなものとはみなさない。",
        }
    if count > 1:
        return {
            "en": f"Means of {count} runs of {part['en']} with different random seeds, with {share}"
            f" simulation intervals of the mean; {fixed['en']}.",
            "ja": f"乱数の異なる{count}回の実行（{part['ja']}）の平均と"
            f"{share}シミュレーション区間。{fixed['ja']}。",
        }
    return {
        "en": f"One run of {part['en']}, one random seed. There is no interval: read it as what"
        " follows from the assumptions below, not as a forecast.",
        "ja": f"1回の実行（{part['ja']}、乱数1通り）。区間はない。"
        "下記の仮定から導かれる結果であり、予測ではない。",
    }
