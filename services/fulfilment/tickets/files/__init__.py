"""Attachments of tickets: taken in, looked at, given out."""
