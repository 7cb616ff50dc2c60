"""Comparing the books: ours with each other, and a party's with ours."""
