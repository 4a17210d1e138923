"""Browsers: their sessions and cookies, and what a page may do and be asked by another site."""
