"""The link of a 3PL to a store: its states, settings and audit log."""
