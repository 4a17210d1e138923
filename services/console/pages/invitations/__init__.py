"""The 3PLs of a brand: inviting one, and blocking one."""
