# %% [markdown]
# # Follow people
#
# `histories=4000` follows four thousand residents of the opening, chosen by identity, and the same
# share of all who come later: spells, events, months lived.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

import kyosei

run = kyosei.run(["scale=0.01", "end=2040-12", "histories=4000", "figures=false"])
persons, spells = run["persons"], run["spells"]
spells.head()

# %% [markdown]
# ## Sequences
# Students who came in 2025 to 2027, one line each, month by month.

# %%
status = run.frame("spells")[["person", "from", "to", "status"]]
first = status.sort_values("from").groupby("person").head(1)
cohort = first[(first["status"] == "student") & (first["from"] < "2028")]
cohort = cohort[cohort["person"].isin(persons.loc[persons["from"] > "2025-06-01", "person"])]
settings = run.settings["status"]
names = list(settings)
months = 12 * 8
lines = np.full((len(cohort), months), -1)
start = dict(zip(cohort["person"], cohort["from"], strict=True))
rows = {person: k for k, person in enumerate(start)}
for person, since, until, name in status[status["person"].isin(rows)].itertuples(index=False):
    origin = start[person]
    a = (since.year - origin.year) * 12 + since.month - origin.month
    b = (until.year - origin.year) * 12 + until.month - origin.month
    lines[rows[person], a : min(b + 1, months)] = names.index(name)
order = np.lexsort(lines.T[::-1])
colours = np.array([to_rgb(settings[name]["colour"]) for name in names] + [to_rgb("white")])

figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
axes.imshow(
    colours[lines[order]],
    aspect="auto",
    interpolation="nearest",
    extent=(0, months / 12, 0, len(lines)),
)
axes.set(title="Students who came in 2025 to 2027 (white: gone, or after 2040)",
         xlabel="years since arrival", ylabel="people")  # fmt: skip
shown = pd.Series(lines[lines >= 0]).value_counts().head(6).index
axes.legend(
    [plt.Rectangle((0, 0), 1, 1, color=colours[k]) for k in shown],
    [settings[names[k]]["label"]["en"] for k in shown], loc="upper right",
)  # fmt: skip
plt.show()

# %% [markdown]
# ## Survival to permanent residence
# Of residents of the opening without it, by year of first entry: the share who have become
# permanent, leaving as a competing risk.

# %%
events = run.frame("events")
granted = events[events["to"] == "permanent_resident"].groupby("person")["month"].min()
opening = run.frame("persons").query("came == 'opening'").set_index("person")
without = first.set_index("person")["status"].reindex(opening.index) != "permanent_resident"
opening = opening[without].assign(granted=granted)
bands = ["to 2009", "2010-14", "2015-19", "2020-22", "2023-25"]
years = opening["entered"].dt.year
opening["entry"] = pd.cut(years, [1900, 2009, 2014, 2019, 2022, 2026], labels=bands)
calendar = pd.date_range("2025-06-01", "2040-12-01", freq="MS")
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, some in opening.groupby("entry", observed=True):
    axes.plot(calendar, [(some["granted"] <= month).mean() for month in calendar], label=name)
axes.set(title="Permanent residence by year of first entry (cumulative incidence)", ylim=(0, 0.5),
         ylabel="share of those who had not got it in June 2025")  # fmt: skip
axes.legend(title="first entry", frameon=False)
plt.show()

# %% [markdown]
# ## Rates by age and duration
# Months lived and transitions give rates: leaving the country, by age and years in the status.

# %%
cells = ["age", "duration"]
lived = run.frame("exposures").groupby(cells)["person_months"].sum()
met = run.frame("occurrences").query("reason == 'leave'").groupby(cells)["events"].sum()
rate = (12 * met / lived.where(lived > 100)).unstack()
figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
mesh = axes.pcolormesh(rate.columns, rate.index, rate.to_numpy(), shading="nearest", vmax=0.25)
figure.colorbar(mesh, label="departures per person and year")
axes.set(title="Who leaves: age against years in the status", xlabel="years in the status",
         ylabel="age")  # fmt: skip
plt.show()
