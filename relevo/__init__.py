"""The command line, and the embedded engines for local use and tests."""

__version__ = "0.1.0"
