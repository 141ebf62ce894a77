"""What both sides share: plans, messages, weights, scores, certificates; imports neither side."""
