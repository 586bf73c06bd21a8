"""Products are timed whole and in parts, and both ways are one product."""

import re

import torch

from benchmark.products import in_parts, main, whole
from mix2mix.products import WIDTH


def test_both_ways_are_one_product():
    torch.manual_seed(0)
    left, right = torch.randn(3, 4, 5), torch.randn(5, 6)
    assert whole(left, right).shape == (12, 6)
    torch.testing.assert_close(in_parts(left, right), whole(left, right))


def test_a_line_tells_both_times_and_their_ratio(capsys):
    assert main(["--frames", "2", "--rows", "8", "--seconds", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"16 x {k} by {k} x {WIDTH}" for k in (320, 960, 1280)]
    for line in lines:
        one, parts, many, ratio = re.findall(r"[\d.]+", line.split(":")[1])
        assert parts == "2"
        assert abs(float(one) / float(many) / float(ratio) - 1) < 0.05
