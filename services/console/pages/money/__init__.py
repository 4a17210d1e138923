"""Fees: what is owed and why, statements of months, and the prices behind them."""
