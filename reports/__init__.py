"""Pages made from the saved files of a run, without torch."""
