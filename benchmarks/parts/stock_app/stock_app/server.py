"""The server's part: FedAvg over every node; the end of each round is written down."""

import time
from pathlib import Path

from flwr.app import Array, ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Run the rounds that the configuration asks for."""
    config = context.run_config
    arrays = ArrayRecord(
        {name: Array(value) for name, value in load_file(str(config["weights"])).items()}
    )
    times = Path(str(config["times"]))

    def after_round(number: int, _arrays: ArrayRecord) -> MetricRecord:
        with times.open("a") as f:
            f.write(f"{number} {time.time()}\n")
        return MetricRecord()

    strategy = FedAvg(fraction_evaluate=0.0, min_train_nodes=3, min_available_nodes=3)
    strategy.start(
        grid=grid,
        initial_arrays=arrays,
        num_rounds=int(config["rounds"]),
        evaluate_fn=after_round,
    )
