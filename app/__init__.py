"""forerun: know how a run will end before you run it. Featurise → learn → search; see README.md for the map."""

__version__ = "0.1.0"
