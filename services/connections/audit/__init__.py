"""What was done about an account's connections and stores, by whom."""
