"""The first page: what needs its reader now."""
