"""Tiny, randomly initialised models with a tokenizer of ten words, and a text for them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, PreTrainedTokenizerFast

WORDS = ["the", "cat", "sat", "on", "mat", "and", "saw", "a", "bird", "."]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
TEXT = "the cat sat on the mat and saw a bird .\nthe unheard bird sat .\n" * 9


def word_tokenizer(bert: bool) -> PreTrainedTokenizerFast:
    vocabulary = {word: i for i, word in enumerate(SPECIAL + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if bert:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]"} if bert else {"unk_token": "[UNK]"}
    if bert:
        names |= {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def save_bert(folder: Path) -> Path:
    """A BERT of 3 layers, d = 12, whose tokenizer adds [CLS] and [SEP]."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=14, hidden_size=12, num_hidden_layers=3, num_attention_heads=2,
                        intermediate_size=20, max_position_embeddings=64)  # fmt: skip
    BertModel(config).save_pretrained(folder)
    word_tokenizer(bert=True).save_pretrained(folder)
    return folder


def save_gpt2(folder: Path) -> Path:
    """A GPT-2 of 3 layers, d = 12, without padding or special tokens."""
    torch.manual_seed(0)
    GPT2Model(GPT2Config(vocab_size=14, n_embd=12, n_layer=3, n_head=2, n_positions=64)
              ).save_pretrained(folder)  # fmt: skip
    word_tokenizer(bert=False).save_pretrained(folder)
    return folder
