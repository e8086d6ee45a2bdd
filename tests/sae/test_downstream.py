"""Splicing: a perfect SAE changes nothing, the mean is the worst, special tokens stay."""

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
)

from neglog.priors.errors import InputError
from neglog.sae.data import Scaling
from neglog.sae.downstream import fidelity
from neglog.sae.model import SAE

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *["the", "cat", "sat", "on", "mat", "and", "saw", "a", "bird", "."],
]
TEXT = "the cat sat on the mat and saw a bird .\nthe unheard bird sat .\n" * 9
SIZES = {"vocab_size": 14, "num_attention_heads": 2, "num_hidden_layers": 3, "hidden_size": 12}


def _tokenizer(bert: bool) -> PreTrainedTokenizerFast:
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"unk_token": "[UNK]"}
    if bert:
        ends = [("[CLS]", 2), ("[SEP]", 3)]
        inner.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=ends)
        names |= {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, **names)


@pytest.fixture(scope="module", params=["encoder", "decoder"])
def model(request, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "encoder":
        net = BertModel(BertConfig(**SIZES, intermediate_size=20, max_position_embeddings=64))
    else:
        net = GPT2LMHeadModel(GPT2Config(vocab_size=14, n_embd=12, n_layer=3, n_head=2,
                                         n_positions=64))  # fmt: skip
    net.save_pretrained(folder)
    _tokenizer(bert=request.param == "encoder").save_pretrained(folder)
    (folder / "words.txt").write_text(TEXT)
    return folder


def _perfect() -> SAE:
    sae = SAE(12, 8, d_out=12, skip=True)
    with torch.no_grad():
        sae.W_skip.copy_(torch.eye(12))
        sae.W_dec.zero_()
    return sae.eval()


@pytest.mark.parametrize("site", ["residual", "mlp-out", "attention-out"])
def test_a_perfect_sae_recovers_everything_and_the_mean_nothing(model, site) -> None:
    options = {"layer": 1, "site": site, "text": [model / "words.txt"], "tokens": 60, "seq_len": 16}
    good = fidelity(_perfect(), model, **options)
    assert good["recovered"] == pytest.approx(1, abs=1e-3)
    useless = _perfect()
    with torch.no_grad():
        useless.W_skip.zero_()
    bad = fidelity(useless, model, **options)
    assert bad["recovered"] == pytest.approx(0, abs=1e-3)
    name = "cosine" if "cosine" in bad else "cross_entropy_spliced"
    assert bad[name] == pytest.approx(bad[name.replace("_spliced", "") + "_ablated"])


def test_an_sae_of_another_width_is_refused(model) -> None:
    sae = SAE(5, 8)
    sae.set_scaling(Scaling(torch.zeros(5), 1.0))
    with pytest.raises(InputError, match="takes d = 5"):
        fidelity(sae, model, layer=1, text=[model / "words.txt"], tokens=30, seq_len=16)
    with pytest.raises(InputError, match="layers 0 to 2"):
        fidelity(_perfect(), model, layer=3, text=[model / "words.txt"])
