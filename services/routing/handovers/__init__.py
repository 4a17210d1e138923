"""What ending a connection returned, and what it would."""
