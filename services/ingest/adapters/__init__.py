"""One module per kind of store: its signature, and its order as ours."""
