"""No bit of a number is lost in two halves, whose upper one is its bf16 rounding, and few in three bytes."""

import torch

from mix2mix.halves import joined_bytes, joined_halves, split_bytes, split_halves


def numbers() -> torch.Tensor:
    """Of every magnitude and sign, with zeros, ties and the smallest."""
    g = torch.Generator().manual_seed(0)
    spread = torch.randn(20_000, generator=g) * torch.logspace(-38, 37, 20_000)
    ties = torch.tensor([0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001], dtype=torch.int32).view(torch.float32)
    return torch.cat([spread, ties, -ties, torch.tensor([0.0, -0.0, 1.0, 1e-45, -1e-45])])


def test_both_halves_together_are_the_number_bit_by_bit():
    x = numbers()
    assert torch.equal(joined_halves(*split_halves(x)).view(torch.int32), x.view(torch.int32))


def test_the_upper_half_is_the_nearest_bf16_number_and_at_a_tie_the_one_away_from_zero():
    x = numbers()
    upper = split_halves(x)[0].view(torch.bfloat16)
    nearest = x.bfloat16()
    ties = (x.view(torch.int32) & 0xFFFF) == 0x8000
    assert ties.any()
    assert torch.equal(upper[~ties], nearest[~ties])
    assert bool((upper[ties].float().abs() > x[ties].abs()).all())


def test_a_number_of_bf16_has_nothing_in_its_lower_half():
    assert not split_halves(numbers().bfloat16().float())[1].any()


def test_three_bytes_are_a_number_to_16_bits():
    x = numbers()
    x = x[x.abs() > torch.finfo(torch.float32).tiny]
    found = joined_bytes(*split_bytes(x))
    assert bool(((found - x).abs() <= 2.0**-16 * x.abs()).all())
    assert not torch.equal(found, x)


def test_of_three_bytes_none_changes_when_they_are_split_again():
    found = joined_bytes(*split_bytes(numbers()))
    assert torch.equal(joined_bytes(*split_bytes(found)).view(torch.int32), found.view(torch.int32))


def test_zero_stays_zero_in_three_bytes():
    assert joined_bytes(*split_bytes(torch.zeros(3))).tolist() == [0, 0, 0]


def test_what_is_no_number_or_infinite_stays_so():
    """On NVIDIA's GPUs, the former has all bits set."""
    bits = torch.tensor([0x7FFFFFFF, 0x7FC00000, -1, 0x7F800000, -0x800000], dtype=torch.int32)
    x = bits.view(torch.float32)
    for found in (joined_halves(*split_halves(x)), joined_bytes(*split_bytes(x))):
        assert found.isnan().tolist() == [True, True, True, False, False]
        assert found[3:].tolist() == [float("inf"), -float("inf")]
