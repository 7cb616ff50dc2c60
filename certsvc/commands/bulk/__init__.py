"""One decision about many licenses: previewed, confirmed by a second person, and carried out after a window."""
