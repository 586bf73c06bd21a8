"""Products of awkward width are computed in parts, and are the same."""

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from mix2mix.products import ROWS, WIDTH, InParts

IN_PARTS, WHOLE = torch.ops.aten.bmm.default, (torch.ops.aten.mm.default, torch.ops.aten.addmm.default)


def product(left: Tensor, right: Tensor) -> Tensor:
    return left @ right


def with_bias(left: Tensor, right: Tensor) -> Tensor:
    return torch.addmm(right[0], left, right)


def twice_the_bias(left: Tensor, right: Tensor) -> Tensor:
    return torch.addmm(right[0], left, right, beta=2)


def graph_of(function, rows: int, width: int):
    torch.manual_seed(0)
    given = torch.randn(rows, 3), torch.randn(3, width)
    graph = make_fx(function)(*given)
    InParts()(graph.graph)
    graph.recompile()
    return graph, given


def number_of(graph, *targets) -> int:
    return sum(node.target in targets for node in graph.graph.nodes)


@pytest.mark.parametrize("parts", [2, 5])
@pytest.mark.parametrize("function", [product, with_bias])
def test_a_product_is_that_of_its_parts(function, parts):
    graph, given = graph_of(function, parts * ROWS, WIDTH)
    assert number_of(graph, IN_PARTS) == 1
    assert number_of(graph, *WHOLE) == 0
    torch.testing.assert_close(graph(*given), function(*given))


def test_a_product_of_columns_is_divided_too():
    """As gradients are."""

    def of_columns(left: Tensor, right: Tensor) -> Tensor:
        return left.T.contiguous().T @ right

    graph, given = graph_of(of_columns, 2 * ROWS, WIDTH)
    assert number_of(graph, IN_PARTS) == 1
    torch.testing.assert_close(graph(*given), of_columns(*given))


@pytest.mark.parametrize(
    ("function", "rows", "width"),
    [
        (product, ROWS, WIDTH),
        (product, 2 * ROWS + 1, WIDTH),
        (product, 2 * ROWS, 2 * WIDTH),
        (twice_the_bias, 2 * ROWS, WIDTH),
    ],
    ids=["one part", "a row more", "another width", "a scaled bias"],
)
def test_others_are_left_alone(function, rows, width):
    graph, given = graph_of(function, rows, width)
    assert number_of(graph, IN_PARTS) == 0
    assert number_of(graph, *WHOLE) == 1
    torch.testing.assert_close(graph(*given), function(*given))


def test_graphs_are_kept_by_its_source():
    assert InParts().uuid() == InParts().uuid()
