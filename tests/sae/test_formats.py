"""Other packages' formats: the same codes back here, and in the packages themselves."""

import json

import pytest
import torch

from neglog.priors.errors import InputError
from neglog.sae.data import Scaling
from neglog.sae.folding import fold
from neglog.sae.formats import FORMATS, export, import_sae
from neglog.sae.model import SAE
from neglog.sae.proximal import Prox

X = 3.0 + 2.0 * torch.randn(50, 12, generator=torch.Generator().manual_seed(1))
KINDS = {"relu": None, "topk": 5, "batchtopk": 5, "jumprelu": None}


def _sae(kind: str, **shape) -> SAE:
    torch.manual_seed(0)
    sae = SAE(12, 30, kind, KINDS.get(kind), penalty="abs(a)", **shape)
    with torch.no_grad():
        for p in sae.parameters():
            p.add_(0.1 * torch.randn_like(p))
        sae.W_dec.div_(sae.W_dec.norm(dim=1, keepdim=True))
    d_out = shape.get("d_out", 12)
    sae.set_scaling(Scaling(torch.full((12,), 3.0), 2.0), Scaling(torch.ones(d_out), 0.7))
    if kind == "batchtopk":
        sae.activation.threshold.fill_(0.8)
    return sae.eval()


def _close(one, other) -> None:
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [*KINDS, "prox"])
@pytest.mark.parametrize("shape", [{}, {"skip": True}, {"d_out": 9, "skip": True}])
def test_folding_keeps_codes_and_output(kind, shape) -> None:
    sae = _sae(kind, **shape)
    if kind == "prox":
        sae.activation.strength.fill_(0.6)
    folded = fold(sae, unit=1.0).model()
    _close(folded.encode(X), sae.encode(X))
    _close(folded(X), sae(X))
    raw = fold(sae).model()
    _close(raw.encode(X), 0.7 * sae.encode(X))
    _close(raw.W_dec, sae.W_dec)
    _close(raw(X), sae(X))


HAVE = [("saelens", k) for k in KINDS] + [("dictionary_learning", k) for k in KINDS]
HAVE += [("sparsify", "topk")]


@pytest.mark.parametrize(("form", "kind"), HAVE)
def test_what_is_written_is_read_back(tmp_path, form, kind) -> None:
    sae = _sae(kind)
    export(sae, tmp_path / "sae", form)
    found = import_sae(tmp_path / "sae", form)
    _close(found.encode(X), 0.7 * sae.encode(X))
    _close(found(X), sae(X))


@pytest.mark.parametrize(("form", "kind"), [("saelens", "relu"), ("sparsify", "topk")])
def test_a_skip_is_kept(tmp_path, form, kind) -> None:
    sae = _sae(kind, skip=True)
    export(sae, tmp_path / "sae", form)
    _close(import_sae(tmp_path / "sae", form)(X), sae(X))


def test_what_a_format_lacks_is_refused_and_leaves_nothing(tmp_path) -> None:
    curved = SAE(12, 30, Prox("log(1+abs(a))", strength=1.0))
    for form in FORMATS:
        with pytest.raises(InputError, match="cannot represent"):
            export(curved, tmp_path / "x", form)
    with pytest.raises(InputError, match="topk"):
        export(_sae("relu"), tmp_path / "x", "sparsify")
    with pytest.raises(InputError, match="no transcoders"):
        export(_sae("relu", skip=True), tmp_path / "x", "dictionary_learning")
    with pytest.raises(InputError, match="no format"):
        export(_sae("relu"), tmp_path / "x", "onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_and_missing_files_are_refused(tmp_path, form) -> None:
    with pytest.raises(InputError, match="has no"):
        import_sae(tmp_path / "absent", form)
    export(_sae("topk"), tmp_path / "sae", form)
    weights = next((tmp_path / "sae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be read"):
        import_sae(tmp_path / "sae", form)


def test_a_pickle_that_is_not_plain_tensors_is_refused_and_not_run(tmp_path) -> None:
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"bias": Evil()}, tmp_path / "ae.pt")
    (tmp_path / "config.json").write_text(json.dumps({"trainer": {"dict_class": "AutoEncoder"}}))
    with pytest.raises(InputError, match="cannot be read"):
        import_sae(tmp_path, "dictionary_learning")
    assert not (tmp_path / "ran").exists()


def _needs(package: str):
    return pytest.importorskip(package, reason=f"{package} is not installed")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_saelens_gives_the_same_codes(tmp_path, kind) -> None:
    package = _needs("sae_lens")
    sae = _sae(kind)
    export(sae, tmp_path / "sae", "saelens")
    theirs = package.SAE.load_from_disk(tmp_path / "sae")
    _close(theirs.encode(X), 0.7 * sae.encode(X))
    _close(theirs(X), sae(X))
    theirs.save_model(tmp_path / "back")
    back = import_sae(tmp_path / "back", "saelens")
    _close(back.encode(X), theirs.encode(X))
    _close(back(X), theirs(X))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [{"d_out": 9}, {"skip": True}])
def test_saelens_gives_the_same_output_of_a_transcoder(tmp_path, shape) -> None:
    package = _needs("sae_lens")
    sae = _sae("relu", **shape)
    export(sae, tmp_path / "sae", "saelens")
    theirs = package.SAE.load_from_disk(tmp_path / "sae")
    _close(theirs.encode(X), 0.7 * sae.encode(X))
    out = theirs.forward_with_skip(X) if "skip" in shape and hasattr(
        theirs, "forward_with_skip") else theirs(X)  # fmt: skip
    _close(out, sae(X))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["relu", "topk", "jumprelu", "batchtopk"])
def test_dictionary_learning_gives_the_same_codes(tmp_path, kind) -> None:
    package = _needs("dictionary_learning.dictionary")
    top = _needs("dictionary_learning.trainers.top_k")
    from safetensors.torch import load_file

    sae = _sae(kind)
    export(sae, tmp_path / "sae", "dictionary_learning")
    about = json.loads((tmp_path / "sae" / "config.json").read_text())["trainer"]
    state = load_file(tmp_path / "sae" / "ae.safetensors")
    d, m = about["activation_dim"], about["dict_size"]
    name = about["dict_class"]
    made = top.AutoEncoderTopK(d, m, about["k"]) if "k" in about else getattr(package, name)(d, m)
    made.load_state_dict(state)
    _close(made.encode(X), 0.7 * sae.encode(X))
    _close(made(X), sae(X))
    torch.save(made.state_dict(), tmp_path / "ae.pt")  # as the package itself does
    (tmp_path / "config.json").write_text(json.dumps({"trainer": about}))
    _close(import_sae(tmp_path, "dictionary_learning")(X), made(X))


@pytest.mark.slow
def test_dictionary_learning_s_batchtopk_is_read(tmp_path) -> None:
    package = _needs("dictionary_learning.trainers.batch_top_k")
    torch.manual_seed(0)
    theirs = package.BatchTopKSAE(12, 30, 5)
    theirs.threshold.fill_(0.7)
    theirs.b_dec.data.normal_()
    torch.save(theirs.state_dict(), tmp_path / "ae.pt")
    about = {"dict_class": "BatchTopKSAE", "activation_dim": 12, "dict_size": 30, "k": 5}
    (tmp_path / "config.json").write_text(json.dumps({"trainer": about}))
    found = import_sae(tmp_path, "dictionary_learning")
    _close(found.encode(X), theirs.encode(X))
    _close(found(X), theirs(X))


@pytest.mark.slow
@pytest.mark.parametrize("skip", [False, True])
def test_sparsify_gives_the_same_codes(tmp_path, skip) -> None:
    package = _needs("sparsify")
    sae = _sae("topk", skip=skip)
    export(sae, tmp_path / "sae", "sparsify")
    theirs = package.SparseCoder.load_from_disk(tmp_path / "sae")
    found = theirs.encode(X)
    dense = torch.zeros(50, 30).scatter(1, found.top_indices, found.top_acts)
    _close(dense, 0.7 * sae.encode(X))
    _close(theirs(X).sae_out, sae(X))
    plain = package.SparseCoder(12, package.SparseCoderConfig(num_latents=30, k=5))
    plain.b_dec.data.normal_()
    plain.save_to_disk(tmp_path / "theirs")
    _close(import_sae(tmp_path / "theirs", "sparsify")(X), plain(X).sae_out)
