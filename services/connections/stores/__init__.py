"""Sales channels of brands, and how they prove themselves."""
