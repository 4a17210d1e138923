"""Which orders the 3PL of a connection is sent: the brand's rules, version by version."""
