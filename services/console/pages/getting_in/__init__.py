"""Signing up, logging in and out, and the pages that mails lead to."""
