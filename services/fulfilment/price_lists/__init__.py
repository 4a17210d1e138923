"""What an account charges: the operator everybody, a 3PL its brands."""
