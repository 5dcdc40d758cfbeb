# %% [markdown]
# # Two laws, side by side
#
# What does the package as announced change, against the law of December 2025? Both scenarios use
# the same random numbers, so that a difference is a difference person by person.

# %%
import matplotlib.pyplot as plt

import kyosei

comparison = kyosei.compare(
    ["scenario=baseline_2025,managed_coexistence", "draws=none", "replicates=3", "scale=0.003",
     "end=2032-12", "figures=false"]
)  # fmt: skip
comparison

# %%
effects = comparison.frame("effects")
print(list(effects.columns))
effects.head()

# %% [markdown]
# The same from any finished runs, paired by seed and replicate.

# %%
pairs = [
    [kyosei.run([f"scenario={name}", f"replicate={k}", "scale=0.003", "end=2032-12",
                 "figures=false", f"output=runs/{name}"]) for k in range(3)]
    for name in ("baseline_2025", "managed_coexistence")
]  # fmt: skip
found = kyosei.compare_finished("runs/baseline_2025", "runs/managed_coexistence")

# %%
people = found[found["indicator"].str.startswith("residents:") & (found["month"] == "2032-12-01")]
people = people.sort_values("difference")
people = people[people["difference"].abs() > 1000]
labels = {name: body["label"]["en"] for name, body in pairs[0][0].settings["status"].items()}

figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
names = people["indicator"].str.removeprefix("residents:").map(labels)
error = [people["difference"] - people["low"], people["high"] - people["difference"]]
axes.errorbar(people["difference"] / 1000, names, xerr=[side / 1000 for side in error], fmt="o")
axes.axvline(0, color="black", linewidth=0.8)
axes.set(
    title="What the package changes by December 2032\n(three pairs, scale 0.003: luck alone)",
    xlabel="thousand residents, 95 % interval",
)
plt.show()
