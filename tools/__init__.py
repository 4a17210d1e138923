"""What `make docs` and `make check` run; a checkout's work, in no installation."""
