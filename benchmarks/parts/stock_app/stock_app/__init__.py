"""Flower's FedAvg as its tutorial writes it, without training."""
