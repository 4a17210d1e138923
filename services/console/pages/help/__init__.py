"""Help: two articles, one for each party of a connection."""
