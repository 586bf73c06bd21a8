"""Runs every (method, scene, edit, seed) cell, times it, scores it, stores it and resumes."""
