# %% [markdown]
# # A lever of your own
#
# A study folder, a lever in it, a scenario that pulls the lever, and what it does.

# %%
import os
import subprocess
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import kyosei

folder = Path(tempfile.mkdtemp()) / "my_study"
subprocess.run(["kyosei", "init", folder], check=True)
os.chdir(folder)
subprocess.run(["kyosei", "new", "scenario", "dear"], check=True)

# %% [markdown]
# `kyosei init` has written `my_lever`, a fee for permanent residence that people answer with an
# elasticity. Its file explains itself:

# %%
print(Path("configs/policy/japan/my_lever.yaml").read_text())

# %% [markdown]
# The scenario pulls it, with a fee of 300,000 yen and the large answer.

# %%
Path("configs/scenario/japan/dear.yaml").write_text(
    """\
defaults: [enacted, _self_]
name: dear
title: {en: A dear permanent residence, ja: 高額な永住許可手数料}
levers: [my_lever]
settings:
  my_lever: {use: {fee: 300000}, level: high}
"""
)
words = ["scale=0.005", "end=2034-12", "figures=false"]
runs = {
    name: kyosei.run([f"scenario={name}", f"output=runs/{name}", *words])
    for name in ("enacted", "dear")
}

# %%
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for run in runs.values():
    indicators = run.frame("indicators")
    grants = indicators[indicators["indicator"] == "permanent_grants"].set_index("month")["value"]
    axes.plot(grants.rolling(12).mean(), label=run.settings["scenario"]["title"]["en"])
axes.set(title="Grants of permanent residence a month (mean of twelve months)", ylim=(0, None))
axes.legend(frameon=False)
plt.show()

# %%
found = kyosei.compare_finished("runs/enacted", "runs/dear")
last = found[found["month"] == found["month"].max()].set_index("indicator")
last.loc[["residents", "permanent_share", "settled_share", "permanent_grants"]]
