"""Mesa without its spaces: a start imports the model alone, and the rest is there for who asks."""

import json
import subprocess
import sys

CODE = """
import json, sys
from sim.model import Kyosei
early = sorted(m for m in ("networkx", "scipy.spatial", "mesa.space") if m in sys.modules)
import mesa
from mesa import batch_run
missing = "no" if hasattr(mesa, "nothing") else "yes"
print(json.dumps([early, issubclass(Kyosei, mesa.Model), mesa.DataCollector.__name__, missing]))
"""


def test_the_rest_of_mesa_comes_when_it_is_asked_for():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], True, "DataCollector", "yes"]
