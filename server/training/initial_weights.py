"""Make a run's initial weights in a process of its own, so that the server never loads torch.

`python -m hepafed.server.training.initial_weights PLAN.json OUT.safetensors`
"""

import json
import sys
from pathlib import Path

from hepafed.common.contract import plan_from
from hepafed.common.errors import HepaFedError


def main(plan_file: str, out: str) -> None:
    """Build the network of a plan's JSON file and write its weights."""
    from hepafed.common.network import Layout, build, flatten, save_safetensors

    plan = plan_from(json.loads(Path(plan_file).read_text()))
    try:
        module = build(plan)
    except HepaFedError as e:
        sys.stderr.write(f"{e.message}\n{e.hint}\n")
        raise SystemExit(1) from None
    layout = Layout.of(module)
    save_safetensors(Path(out), layout, flatten(module, layout))


if __name__ == "__main__":
    main(*sys.argv[1:])
