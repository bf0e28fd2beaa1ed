"""Figures: counters, runs of each job class, the history of the fleet, deploy marks, profiles."""
