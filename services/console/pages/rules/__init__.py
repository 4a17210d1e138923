"""Rules in forms and in words: what the screens of order rules and shipping rules share."""
