"""Kinds of fates: what a fate does to a person, as a small integer in the tables of rates.

To add a kind: its name in `schema.Kind`, a number and a constant here, its branch in
`sim.processes.fates.apply_fate`. Kinds up to `switch` end a person's stay in the status.
"""

from __future__ import annotations

from typing import Final

import numpy as np

KINDS: Final = {
    "leave": 1,
    "die": 2,
    "citizen": 3,
    "switch": 4,
    "stage": 5,
    "move": 6,
    "birth": 7,
    "family": 8,
    "arrears": 9,
    "clear": 10,
    "learn": 11,
    "quit": 12,
    "norms": 13,
    "seek": 14,
    "short": 15,
}

LEAVE: Final = np.uint8(KINDS["leave"])
DIE: Final = np.uint8(KINDS["die"])
CITIZEN: Final = np.uint8(KINDS["citizen"])
SWITCH: Final = np.uint8(KINDS["switch"])
STAGE: Final = np.uint8(KINDS["stage"])
MOVE: Final = np.uint8(KINDS["move"])
BIRTH: Final = np.uint8(KINDS["birth"])
FAMILY: Final = np.uint8(KINDS["family"])
ARREARS: Final = np.uint8(KINDS["arrears"])
CLEAR: Final = np.uint8(KINDS["clear"])
LEARN: Final = np.uint8(KINDS["learn"])
QUIT: Final = np.uint8(KINDS["quit"])
NORMS: Final = np.uint8(KINDS["norms"])
SEEK: Final = np.uint8(KINDS["seek"])
SHORT: Final = np.uint8(KINDS["short"])
