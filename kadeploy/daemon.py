"""`kadeployd`."""
