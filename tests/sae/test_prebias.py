"""The pre-encoder bias: the same steps as those of a model written that way."""

import pytest
import torch

from neglog.priors.errors import InputError
from neglog.sae import SAE, Trainer, train


def test_steps_are_those_of_the_model_with_the_bias_taken_off(planted) -> None:
    x = planted()[:600].double()
    sae = SAE(16, 24, "topk", 4).double()
    with torch.no_grad():
        sae.b_dec.normal_(generator=torch.Generator().manual_seed(1))
    parts = {
        "W": sae.W_enc.detach().clone(),
        "b": (sae.b_enc + sae.W_enc @ sae.b_dec).detach(),
        "D": sae.W_dec.detach().clone(),
        "o": sae.b_dec.detach().clone(),
    }
    parts = {name: p.requires_grad_() for name, p in parts.items()}
    adam = torch.optim.Adam(list(parts.values()), lr=0.01, betas=(0.9, 0.999))
    trainer = Trainer(sae, lr=0.01, warmup=0, pre_bias=True)
    for batch in x.split(200):
        trainer.step(batch)
        z = (batch - parts["o"]) @ parts["W"].T + parts["b"]
        value, at = torch.relu(z).topk(4)
        code = torch.zeros_like(z).scatter(1, at, value)
        adam.zero_grad()
        (batch - code @ parts["D"] - parts["o"]).square().sum(1).mean().backward()
        with torch.no_grad():
            grad, D = parts["D"].grad, parts["D"]
            grad -= (grad * D).sum(1, keepdim=True) * D
        adam.step()
        with torch.no_grad():
            parts["D"] /= parts["D"].norm(dim=1, keepdim=True)
    torch.testing.assert_close(sae.W_enc, parts["W"])
    torch.testing.assert_close(sae.W_dec, parts["D"])
    torch.testing.assert_close(sae.b_dec, parts["o"])
    torch.testing.assert_close(sae.b_enc, parts["b"] - parts["W"] @ parts["o"])


def test_it_trains_and_is_refused_for_transcoders(planted) -> None:
    x = planted()
    common = {"activation": "topk", "k": 3, "steps": 60, "batch": 256, "progress": False}
    with_it, without = (train(x, 32, pre_bias=on, **common).metrics for on in (True, False))
    assert with_it["fvu"] == pytest.approx(without["fvu"], rel=0.05)  # 0.123 of either
    assert without["fvu"] < 0.15
    with pytest.raises(InputError, match="autoencoders"):
        train(x, 32, target=x + 1, pre_bias=True, **common)
    with pytest.raises(InputError, match="as wide"):
        Trainer(SAE(16, 24, "topk", 4, d_out=8), pre_bias=True)


@pytest.mark.parametrize("norm", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_norm_is_refused(norm) -> None:
    with pytest.raises(InputError, match="norm"):
        SAE(4, 8, "topk", 2, encoder_norm=norm)
