"""Which orders a 3PL is sent: the brand's rules in words, as a draft until they are saved."""
