"""Sessions of people: log-in, tokens that rotate, log-out."""
