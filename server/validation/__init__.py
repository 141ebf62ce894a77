"""Federated validation: questions to the sites, their answers, sums."""
