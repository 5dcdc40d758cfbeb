# %% [markdown]
# # A first run
#
# One resident in two hundred, to 2035, under the law in force or scheduled. Open this file as a
# notebook (Jupytext, VS Code), or run it: `python notebooks/first_run.py`.

# %%
import matplotlib.pyplot as plt
import pandas as pd

import kyosei

run = kyosei.run(["scale=0.005", "end=2035-12", "figures=false"])
run

# %% [markdown]
# Tables are pandas frames with labels. People are weighted: simulated people divided by the scale.

# %%
stocks = run["stocks"]
stocks.head()

# %%
groups = run.settings["country"]["groups"]
statuses = run.settings["status"]
codes = run.frame("stocks")  # the same with codes in place of labels
codes = codes[codes["status"].map(lambda code: statuses[code]["published"]).astype(bool)]
codes["group"] = codes["status"].astype(str).map(lambda code: statuses[code]["group"])
by_group = codes.groupby(["month", "group"])["people"].sum().unstack()
by_group = by_group[[name for name in groups if name in by_group]]

figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
axes.stackplot(
    by_group.index,
    by_group.to_numpy().T / 1e6,
    labels=[groups[name]["label"]["en"] for name in by_group],
    colors=[groups[name]["colour"] for name in by_group],
)
axes.set(title="Foreign residents of Japan by group of status", ylabel="million", ylim=(0, None))
handles, labels = axes.get_legend_handles_labels()
axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()

# %% [markdown]
# Where do those come from who settle? Flows into a permanent status, by the status before.

# %%
flows = run["flows"]
into = flows[flows["to"] == "Permanent resident"]
into.groupby("from", observed=True)["people"].sum().sort_values(ascending=False).head(8).round()

# %% [markdown]
# What the columns mean is in the codebook of the run; what it rests on in its manifest.

# %%
print(len(run.manifest["assumptions"]), "numbers of this run are assumptions, such as")
print(*run.manifest["assumptions"][:5], sep="\n")
pd.Series(run.codebook["tables"]["stocks"]["columns"]["people"])
