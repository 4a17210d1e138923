"""By which carrier and service an account ships."""
