"""Joint penalties over the entries of sparse codes: the numbers of the dense code."""

import pytest
import torch

import neglog
from neglog.priors.errors import InputError

TEXTS = [
    "log(1+sum(abs(a)))",
    "prod(1+abs(a))",
    "tau*prod(1+abs(a))**(1/tau)",
    "sum(abs(a)) + c*(sum(abs(a))**2 - sum(a**2))/2",
    "norm(a)",
    "norm(a) + sqrt(sum(abs(a)))",
    "prod(1+abs(a)/d)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_entries_give_the_dense_numbers(text):
    phi = neglog.penalty(text, "positive")
    numbers = {str(p): 1.7 for p in phi.parameters}
    f = phi.compile("torch", strength=0.7, scale=1.3, **numbers)
    torch.manual_seed(0)
    dense = torch.rand(5, 40, dtype=torch.float64) * (torch.rand(5, 40) < 0.2)
    dense[3] = 0
    rows, columns = dense.nonzero(as_tuple=True)
    entries = dense[rows, columns].clone().requires_grad_()
    dense.requires_grad_()
    assert f.on_entries
    value = f.of_entries(entries, rows, 5, 40)
    torch.testing.assert_close(value, f(dense))
    value.sum().backward()
    f(dense).sum().backward()
    torch.testing.assert_close(entries.grad, dense.grad[rows, columns])


def test_what_zeros_add_to_is_refused():
    f = neglog.penalty("max(abs(a))", "positive").compile("torch")
    assert not f.on_entries
    with pytest.raises(InputError, match="entries alone"):
        f.of_entries(torch.ones(1), torch.zeros(1, dtype=torch.long), 1, 3)
