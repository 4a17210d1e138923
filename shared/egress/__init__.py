"""Where requests may leave to: the guard, names, and what may be shown of a URL."""
