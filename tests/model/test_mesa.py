"""Mesa and scipy in part: a start imports what it needs, and the rest is there for who asks."""

import json
import subprocess
import sys

CODE = """
import json, sys
from sim.model.model import Kyosei
early = sorted(m for m in ("networkx", "scipy.spatial", "mesa.space") if m in sys.modules)
import mesa
from mesa import batch_run
missing = "no" if hasattr(mesa, "nothing") else "yes"
print(json.dumps([early, issubclass(Kyosei, mesa.Model), mesa.DataCollector.__name__, missing]))
"""


def test_the_rest_of_mesa_comes_when_it_is_asked_for():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], True, "DataCollector", "yes"]


SCIPY = """
import json, sys
import sim.model.model
early = sorted(m for m in ("numpy.f2py", "scipy.stats") if m in sys.modules)
import scipy.linalg
import scipy.special as special
from scipy.linalg import solve
same = special.ndtri is sim.core.lazy.ndtri and scipy.special is special
missing = "no" if hasattr(special, "nothing") else "yes"
print(json.dumps([early, same, scipy.linalg.solve is solve, float(special.erf(0.0)), missing]))
"""


def test_the_rest_of_scipy_comes_when_it_is_asked_for():
    done = subprocess.run([sys.executable, "-c", SCIPY], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], True, True, 0.0, "yes"]
