"""Make a run's initial weights in a process of its own, so that the server never loads torch.

`python -m hepafed.server.training.initial_weights PLAN.json OUT.safetensors`
"""

import json
import sys
from pathlib import Path

from hepafed.common.contract import plan_from
from hepafed.common.errors import HepaFedError


def main() -> None:
    """Build the plan's network and write its weights."""
    from hepafed.common.network import Layout, build, flatten, save_safetensors

    plan = plan_from(json.loads(Path(sys.argv[1]).read_text()))
    try:
        module = build(plan)
    except HepaFedError as e:
        sys.stderr.write(f"{e.message}\n{e.hint}\n")
        raise SystemExit(1) from None
    layout = Layout.of(module)
    save_safetensors(Path(sys.argv[2]), layout, flatten(module, layout))


if __name__ == "__main__":
    main()
