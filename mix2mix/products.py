"""Products of matrices in parts, where cuBLAS is the faster for it: a pass over the graphs of torch's compiler.

For features of width 320 it takes a tile 512 wide, of which more than a third is wasted: on an H200 25,920 rows by a
matrix of 1,280 x 320 take 64 us (330 TFLOP/s), and as a batch of five products of 5,184 rows each 38.
"""

import torch
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch.fx import Graph, Node

WIDTH = 320
"""SEVA's and the U-Net's features where they are finest."""

ROWS = 72 * 72
"""Of a part: the tokens of a picture of 576 pixels."""


class InParts(CustomGraphPass):
    """Makes a batch of every product that has WIDTH columns, and so many rows as make several parts."""

    def __call__(self, graph: Graph) -> None:
        """Change a graph of ATen's functions in place."""
        for target in (torch.ops.aten.mm.default, torch.ops.aten.addmm.default):
            for node in graph.find_nodes(op="call_function", target=target):
                if not node.kwargs and _has_parts(node):
                    _divide(graph, node)

    def uuid(self) -> bytes:
        """What compiled graphs are kept by."""
        return get_hash_for_files((__file__,))


def _has_parts(node: Node) -> bool:
    rows, width = node.meta["val"].shape
    return bool(width == WIDTH and rows > ROWS and rows % ROWS == 0)


def _divide(graph: Graph, node: Node) -> None:
    """The bias is added by who reads the product; one that broadcasts as rows do."""
    *bias, left, right = node.args
    rows, width = node.meta["val"].shape
    view, expand, bmm = torch.ops.aten.view.default, torch.ops.aten.expand.default, torch.ops.aten.bmm.default
    with graph.inserting_before(node):
        parts = graph.call_function(view, (left, [rows // ROWS, ROWS, -1]))
        again = graph.call_function(expand, (right, [rows // ROWS, -1, -1]))
        product = graph.call_function(view, (graph.call_function(bmm, (parts, again)), [rows, width]))
        for each in bias:
            product = graph.call_function(torch.ops.aten.add.Tensor, (product, each))
    product.meta.update(node.meta)
    node.replace_all_uses_with(product)
    graph.erase_node(node)
