"""certsvc: an event-driven e-license (电子证照) and e-seal (电子印章) service."""

__version__ = "0.1.0"
