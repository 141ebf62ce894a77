"""Estimates, their intervals, and the sums they are made of."""
