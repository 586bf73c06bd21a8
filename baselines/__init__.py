"""Editing methods behind one protocol: the paper's own, its baselines, and the two that bracket them."""
