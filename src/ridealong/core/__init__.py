"""The domain: pure, synchronous, no I/O, no clock, standard library only."""
