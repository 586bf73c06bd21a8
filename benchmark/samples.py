"""A run as numbers: a metric's value in every cell, by where it was measured. No torch."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from benchmark.results import CellResult, Identity
from benchmark.tables import Column


class Place(NamedTuple):
    """Where methods are compared: a scene, an edit (slug) and a seed; with a method it is a cell."""

    scene: str
    edit: str
    seed: int


Values = Mapping[Place, float]
"""One metric of one method."""


def place_of(identity: Identity) -> Place:
    """Where that cell lies."""
    return Place(identity.scene, identity.edit, identity.seed)


def values_by_method(results: Iterable[CellResult], column: Column) -> dict[str, dict[Place, float]]:
    """The column's value in every ok cell that has one; a method without any is left out."""
    found: dict[str, dict[Place, float]] = {}
    for result in results:
        value = column.value(result) if result.status == "ok" else None
        if value is not None:
            found.setdefault(result.identity.method, {})[place_of(result.identity)] = value
    return found


def direction(column: Column) -> int:
    """1 where a higher value is better, -1 where a lower one is; seconds, which have no arrow, are a cost."""
    return 1 if column.arrow == "↑" else -1
