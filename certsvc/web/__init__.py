"""Pages: public check, holder, officer."""
