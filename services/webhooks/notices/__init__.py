"""What owners are told of their endpoints without asking."""
