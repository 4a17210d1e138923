"""The stores of a brand: whether their orders arrive, and how to connect, prove and mend them."""
