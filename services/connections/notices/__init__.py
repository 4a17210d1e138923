"""Notices: what other services say that people should hear of, listed and mailed to owners."""
