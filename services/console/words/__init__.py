"""What the screens say, in English and in Spanish."""
