"""connections: accounts, brands, stores, and the link between a 3PL and a store."""
