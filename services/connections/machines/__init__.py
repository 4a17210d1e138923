"""API clients: machines that act in an account, with scopes."""
