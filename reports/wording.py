"""Numbers as the page says them."""

from benchmark.statistics import Interval

NOTHING = "–"
"""Stands where there is no value."""


def decimal(value: float | None, digits: int = 3) -> str:
    """``0.123``, with a minus sign where it is one."""
    return NOTHING if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 3) -> str:
    """``+0.123`` or ``−0.123``."""
    return f"{value:+z.{digits}f}".replace("-", "−")


def span(interval: Interval | None, digits: int = 3) -> str:
    """``0.100 to 0.200``."""
    return "" if interval is None else f"{decimal(interval.low, digits)} to {decimal(interval.high, digits)}"


def p_value(p: float) -> str:
    """``p = 0.032``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def plural(number: int, noun: str) -> str:
    """``1 edit``, ``2 edits``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
