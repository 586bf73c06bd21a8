"""Stubs for runs on a cluster; a module that a node's process can import by its name."""

import os
import time
from pathlib import Path

import stub_world

from baselines.api import EditRequest, EditResult, Method


class Slow(stub_world.Grainy):
    """An edit in which a node has time to die; a file SEED-NODE in the folder MARKS tells that it was begun there."""

    def edit(self, request: EditRequest) -> EditResult:
        if request.settings["steps"] == 7:  # not the warm-up
            import ray

            node = ray.get_runtime_context().get_node_id()
            Path(os.environ["MARKS"], f"{request.seed}-{node}").touch()
            time.sleep(3.0)
        return super().edit(request)


def load_slow(method: str) -> Method:
    """The slow stub, whatever was asked for."""
    return Slow()
