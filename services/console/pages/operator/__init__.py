"""What the operator of the installation sees: services, what waits, accounts and their plans."""
