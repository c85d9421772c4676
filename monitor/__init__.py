"""Health monitor for the command network of a city."""

__version__ = "0.1.0"
