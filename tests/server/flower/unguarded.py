"""A SuperLink as Flower starts it: its Control API answers whoever asks."""

import sys

from flwr.superlink.cli import flower_superlink


def unguarded_superlink() -> None:
    sys.argv.pop(1)  # the file of the secret
    flower_superlink()
