"""Carriers, behind one port: a folder for each kind of account."""
