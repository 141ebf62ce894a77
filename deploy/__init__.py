"""Ways to run HepaFed."""
