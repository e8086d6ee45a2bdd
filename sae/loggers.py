"""Metrics to TensorBoard or Weights & Biases, through their own packages, where wanted."""

from pathlib import Path
from typing import Any

from neglog.priors.errors import InputError

LOGGERS = ("tensorboard", "wandb")


class Logger:
    """Passes lines of metrics on to the service called `name` ("" passes them to none)."""

    def __init__(self, name: str, folder: Path, settings: dict[str, Any]) -> None:
        self.name = name
        self._to: Any = None
        if name == "tensorboard":
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as e:
                raise InputError("Logging to tensorboard needs: pip install tensorboard.") from e
            self._to = SummaryWriter(str(folder))
        elif name == "wandb":
            try:
                import wandb
            except ImportError as e:
                raise InputError("Logging to wandb needs: pip install wandb.") from e
            self._to = wandb.init(project="neglog", dir=str(folder), config=settings)
        elif name:
            raise InputError(f"There is no logger {name!r}: choose one of {', '.join(LOGGERS)}.")

    def add(self, line: dict[str, Any]) -> None:
        """A line of metrics at its step."""
        numbers = {k: v for k, v in line.items() if isinstance(v, (int, float)) and k != "step"}
        if self.name == "tensorboard":
            for name, value in numbers.items():
                self._to.add_scalar(name, value, line["step"])
        elif self.name == "wandb":
            self._to.log(numbers, step=line["step"])

    def close(self) -> None:
        """Nothing more will come."""
        if self.name == "tensorboard":
            self._to.close()
        elif self.name == "wandb":
            self._to.finish()
