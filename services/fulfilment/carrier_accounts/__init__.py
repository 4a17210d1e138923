"""Accounts with carriers: each party's own, their credentials sealed and seen by nobody else."""
