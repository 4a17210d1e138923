"""The other services as the console calls them: their public APIs, as any client would."""
