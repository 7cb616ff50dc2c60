"""Events out and in: sequencer, relay, consumers."""
