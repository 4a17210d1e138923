"""Records of `orders.received` that failed: kept as rows, in order, until an operator acts."""
