"""Ridealong: live nudges for the rep, a grounded review for the manager, on one machine or with any vendor."""

__version__ = "0.1.0"
