"""3PL Integrations: every connection of an account at a glance, and adding a brand."""
