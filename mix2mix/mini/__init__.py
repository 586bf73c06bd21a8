"""The miniature world: posed scenes with known geometry, stochastic edits of them, and small models trained on them."""
