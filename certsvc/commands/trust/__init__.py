"""The trust list: changes by two people, export and import, and the list in force."""
