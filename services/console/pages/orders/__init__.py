"""Orders: the tabs with their filter, one order, commands about one or many."""
