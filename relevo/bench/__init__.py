"""Benchmarks: programs that print what is so, and are void when the ledger does not balance."""
