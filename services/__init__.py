"""The four services. Each is a folder of the same few files and knows no other."""
