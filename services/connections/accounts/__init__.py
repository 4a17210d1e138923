"""Tenants: who they are, how they log in, which plan they are on."""
