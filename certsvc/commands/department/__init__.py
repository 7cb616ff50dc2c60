"""用证部门: what a body asked, and what it may ask."""
