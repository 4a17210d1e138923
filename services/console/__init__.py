"""The console: the screens of Relevo for people, over the public APIs of the other services."""
