"""What happens to orders, live: events from the end of the log to whoever listens."""
