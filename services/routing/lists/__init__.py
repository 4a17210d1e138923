"""What is shown of orders, their history and hand-overs; decides nothing."""
