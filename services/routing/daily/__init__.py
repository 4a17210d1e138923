"""Orders by day, for a plot; decides nothing."""
