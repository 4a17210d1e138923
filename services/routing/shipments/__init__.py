"""What fulfilment tells of an order's shipments, and what that does to the order."""
