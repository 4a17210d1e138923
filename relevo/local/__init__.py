"""Everything on one machine without Docker: the engines from packages, and the services."""
