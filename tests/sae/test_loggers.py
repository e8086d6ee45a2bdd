"""Metrics go to TensorBoard where it is installed, and are refused in a sentence where not."""

import sys

import pytest

from neglog.priors.errors import InputError
from neglog.sae.loggers import Logger
from neglog.sae.run import train


def test_an_unknown_logger_is_refused(tmp_path, planted) -> None:
    with pytest.raises(InputError, match="no logger 'mlflow'"):
        train(planted(), 64, "abs(a)", strength=0.3, steps=5, batch=128, log_to="mlflow",
              out=tmp_path / "x", progress=False)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, name) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=f"pip install {name}"):
        Logger(name, tmp_path, {})


def test_lines_are_passed_on_as_numbers_at_their_step(tmp_path, monkeypatch) -> None:
    seen = []

    class Fake:
        def __init__(self, folder: str) -> None:
            seen.append(folder)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            seen.append((name, value, step))

        def close(self) -> None:
            seen.append("closed")

    module = type(sys)("torch.utils.tensorboard")
    module.SummaryWriter = Fake
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    logger = Logger("tensorboard", tmp_path, {})
    logger.add({"step": 7, "fvu": 0.1, "note": "text"})
    logger.close()
    assert seen == [str(tmp_path), ("fvu", 0.1, 7), "closed"]


def test_without_a_logger_nothing_is_needed(tmp_path) -> None:
    logger = Logger("", tmp_path, {})
    logger.add({"step": 1, "fvu": 0.1})
    logger.close()
