"""Labels: claimed, bought from the carrier of the rules' owner, kept and printed."""
