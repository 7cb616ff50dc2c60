"""Long-life care (长期保管): what files stand on, what breaks when, and what is done about it."""
