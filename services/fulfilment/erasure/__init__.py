"""What fulfilment forgets when an account is erased."""
