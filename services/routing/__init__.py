"""Routing: decides whose order it is, keeps its state, and hands the Orders tab back."""
