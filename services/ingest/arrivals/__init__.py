"""Whether a store's orders arrive: the newest, and what was refused."""
