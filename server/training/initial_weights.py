"""Make a run's initial weights in a process of its own, so that the server never loads torch.

`python -m hepafed.server.training.initial_weights [OUT.safetensors] < PLAN.json`

Without OUT it only looks whether they can be made. It prints one JSON object: what was done to the
plan's file of weights (`notes`) and the file's SHA-256, or `error` and `hint`, or `full` where the
disk is full.
"""

import json
import sys
from pathlib import Path
from typing import TextIO

from hepafed.common.contract import plan_from
from hepafed.common.errors import HepaFedError
from hepafed.common.room import is_full


def main(out: str = "", *, plan: TextIO = sys.stdin, said: TextIO = sys.stdout) -> None:
    """Build the network of a plan's JSON and write its weights; exit 1 with a reason."""
    from hepafed.common.network import Layout, flatten, initial, look_at_weights, save_safetensors

    asked = plan_from(json.load(plan))
    try:
        if out:
            module, notes, digest = initial(asked)
            layout = Layout.of(module)
            save_safetensors(Path(out), layout, flatten(module, layout))
        else:
            notes, digest = look_at_weights(asked), ""
    except OSError as e:
        if not is_full(e):
            raise
        said.write(json.dumps({"full": True}))
        raise SystemExit(1) from None
    except HepaFedError as e:
        said.write(json.dumps({"error": e.message, "hint": e.hint}))
        raise SystemExit(1) from None
    said.write(json.dumps({"notes": notes, "sha256": digest}))


if __name__ == "__main__":
    main(*sys.argv[1:])
