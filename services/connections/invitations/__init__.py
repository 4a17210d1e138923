"""A brand invites its 3PL to one of its stores."""
