"""Boundaries of municipalities from a user's own GeoJSON file, as coarse as the map shows them.

Nobody's boundaries come with Kyosei. A file is joined by the code of the municipality: the property
of its features that holds the most codes of the run. Several features may share a code.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from sim.core.errors import ConfigError

MOST_BYTES: Final = 256 * 1024 * 1024

GRID: Final = 0.02
"""Degrees between two corners: less than a dot of the map."""

FEWEST_JOINED: Final = 0.5
"""Share of the run's municipalities that a file must know."""

Ring = list[int]
"""x, y of the first corner and the steps to each next one, in units of GRID."""


def read_shapes(path: Path, codes: Sequence[str]) -> dict[str, Any]:
    """grid, and rings: outer and inner rings of each municipality in the order of the codes; empty
    for one that the file lacks.

    Raises ConfigError if the file is no GeoJSON in degrees, or knows too few of the codes.
    """
    features = _features(path)
    name = _code_property(features, codes)
    rings: dict[str, list[Ring]] = {code: [] for code in codes}
    for feature in features:
        code = _code(feature["properties"].get(name))
        if code in rings:
            rings[code] += _rings(path, feature["geometry"])
    known = sum(bool(own) for own in rings.values())
    if known < FEWEST_JOINED * len(codes):
        raise ConfigError(
            f"--shapes {path}: no property of its features holds the codes of the municipalities"
            f" ({known} of {len(codes)} found). Codes have five digits, such as {codes[0]}."
        )
    return {"grid": GRID, "rings": [rings[code] for code in codes]}


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"--shapes {path}: larger than {MOST_BYTES >> 20} MiB; simplify it")
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"--shapes {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--shapes {path}: it is not JSON ({error})") from error
    found = content.get("features") if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise ConfigError(f"--shapes {path}: it is not a GeoJSON FeatureCollection")
    return [
        each for each in found
        if isinstance(each, dict) and isinstance(each.get("properties"), dict)
        and isinstance(each.get("geometry"), dict)
    ]  # fmt: skip


def _code_property(features: Sequence[dict[str, Any]], codes: Sequence[str]) -> str:
    """The property with the most codes of municipalities."""
    wanted, found = set(codes), dict[str, set[str]]()
    for feature in features:
        for name, value in feature["properties"].items():
            code = _code(value)
            if code in wanted:
                found.setdefault(name, set()).add(code)
    return max(found, key=lambda name: len(found[name]), default="")


def _code(value: object) -> str:
    """A code of five digits; files may hold numbers, which lack the zero in front."""
    return f"{value:05d}" if isinstance(value, int) else str(value)


def _rings(path: Path, geometry: dict[str, Any]) -> list[Ring]:
    kind, coordinates = str(geometry.get("type")), geometry.get("coordinates")
    polygons: Any = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(kind, [])
    try:
        rings = [_coarse(ring) for polygon in polygons for ring in polygon]
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise ConfigError(f"--shapes {path}: a {kind} of it cannot be read ({error})") from error
    return [ring for ring in rings if ring]


def _coarse(ring: Sequence[Sequence[float]]) -> Ring:
    """The ring on the grid, without corners that fall together; nothing if too few are left."""
    corners: list[tuple[int, int]] = []
    for longitude, latitude, *_ in ring:
        if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
            raise ValueError("coordinates must be degrees of longitude and latitude")
        corner = round(longitude / GRID), round(latitude / GRID)
        if not corners or corner != corners[-1]:
            corners.append(corner)
    if len(corners) < 4:
        return []
    out = [*corners[0]]
    for (x0, y0), (x, y) in pairwise(corners):
        out += [x - x0, y - y0]
    return out
