"""Reading events and evidence."""
