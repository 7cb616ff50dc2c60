"""Licenses made elsewhere: registered here, and moved by what their sources report."""
