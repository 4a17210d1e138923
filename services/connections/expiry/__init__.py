"""What ends by itself: claims that nobody accepts, and what is kept for a while."""
