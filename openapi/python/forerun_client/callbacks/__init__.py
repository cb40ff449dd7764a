"""Runs out of the loops of other libraries, each in a module that imports its library when it is imported."""
