"""Small data with planted features, and penalties that need no symbolic engine."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from .tiny_models import TEXT, save_bert, save_gpt2


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny BERT."""
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny GPT-2."""
    return save_gpt2(tmp_path_factory.mktemp("gpt2"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file of words that the tiny models' tokenizer knows, but one."""
    (tmp_path / "text").mkdir()
    path = tmp_path / "text" / "words.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def _planted(
    rows: int = 4000, d: int = 16, features: int = 32, active: int = 3, seed: int = 0
) -> Tensor:
    """x = a D + noise [rows, d], each row with about `active` exponential features."""
    generator = torch.Generator().manual_seed(seed)
    dictionary = nn.functional.normalize(torch.randn(features, d, generator=generator), dim=1)
    on = torch.rand(rows, features, generator=generator) < active / features
    size = torch.empty(rows, features).exponential_(generator=generator)
    noise = 0.05 * torch.randn(rows, d, generator=generator)
    return on * size @ dictionary + noise + 1.0


@pytest.fixture(scope="session")
def planted() -> Callable[..., Tensor]:
    """`planted(rows=…, d=…, features=…, active=…, seed=…)`: x = a D + noise [rows, d]."""
    return _planted


class Stand(nn.Module):
    """A penalty by the contract of compiled ones: elementwise, or reducing the last axis."""

    def __init__(self, f: Callable[[Tensor], Tensor], joint: bool = False) -> None:
        super().__init__()
        self.f = f
        self.joint = joint

    def forward(self, a: Tensor) -> Tensor:
        return self.f(a)


class LearnedScale(nn.Module):
    """log(1 + a/s) with a trainable scale s."""

    joint = False

    def __init__(self) -> None:
        super().__init__()
        self.s = nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, a: Tensor) -> Tensor:
        return torch.log1p(a / self.s)


PENALTIES = {
    "abs(a)": Stand(torch.abs),
    "1000*abs(a)": Stand(lambda a: 1000 * a.abs()),
    "log(1+abs(a))": Stand(lambda a: torch.log1p(a.abs())),
    "log(1+a**2)": Stand(lambda a: torch.log1p(a * a)),
    "sqrt(abs(a))": Stand(torch.sqrt),
    "log(1+sum(abs(a)))": Stand(lambda a: torch.log1p(a.abs().sum(-1)), joint=True),
    "sum(sqrt(abs(a)))": Stand(lambda a: a.sqrt().sum(-1), joint=True),
}
LEARNED = "log(1+abs(a)/s), s learned"


@pytest.fixture(params=PENALTIES)
def penalty(request: pytest.FixtureRequest) -> nn.Module:
    """Each stand-in penalty in turn."""
    return PENALTIES[request.param]


@pytest.fixture(params=[*PENALTIES, LEARNED])
def make_penalty(request: pytest.FixtureRequest) -> Callable[[], nn.Module]:
    """Each stand-in penalty in turn, and one with a parameter, made afresh."""
    return lambda: LearnedScale() if request.param == LEARNED else PENALTIES[request.param]


@pytest.fixture
def lomax() -> nn.Module:
    """log(1 + |a|)."""
    return PENALTIES["log(1+abs(a))"]
