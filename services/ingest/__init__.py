"""Ingest: what a store sends is durable on the log before it is answered."""
