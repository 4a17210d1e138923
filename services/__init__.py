"""The services; `catalog.py` lists them. Each is a folder of the same few files, and an island."""
