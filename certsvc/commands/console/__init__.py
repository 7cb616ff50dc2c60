"""What operators and auditors look through: licenses of all bodies, what is stuck, numbers, evidence."""
