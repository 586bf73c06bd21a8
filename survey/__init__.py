"""The human survey: ratings collected in a browser and tested exactly. Works on saved files alone; no torch."""
