"""People: an address that a mail proved, a password, and the accounts they work in."""
