"""connections goes on above what it has said on the log, whatever its database has lost of that."""
