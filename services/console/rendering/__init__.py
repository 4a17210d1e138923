"""From what a page is about to its HTML."""
