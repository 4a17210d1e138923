"""What other order rules, or other priorities, would have done with the newest orders."""
