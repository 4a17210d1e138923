"""What 3PLs are told of their endpoints without asking."""
