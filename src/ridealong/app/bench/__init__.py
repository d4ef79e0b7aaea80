"""Measurements: `ridealong bench` runs them all, each module runs alone."""
