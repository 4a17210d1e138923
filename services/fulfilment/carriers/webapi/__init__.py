"""`http`: the account's own shipping system, by a documented JSON request."""
