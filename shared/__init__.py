"""What every Relevo service stands on: one idea per file."""
