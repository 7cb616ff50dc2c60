"""Regulators are told of licenses in their charge, and send back what they found (审管双推送)."""
