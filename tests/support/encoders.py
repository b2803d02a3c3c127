"""Encoders of photos and words with random weights, tiny ones by default, in folders as they are published.

Each is what `transformers` itself saves: CLIP; SigLIP with its SentencePiece tokenizer; SigLIP 2 of one
resolution, which is a SigLIP network with Gemma's tokenizer; SigLIP 2 NaFlex.
"""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers as library
from tokenizers import pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers.models.siglip2 import tokenization_siglip2

WORDS = ["a red dress with long sleeves", "blue shirt", "striped navy trousers, in dark green", "no logo!"]


@dataclass(frozen=True)
class Size:
    """How large a network is; both of its towers."""

    width: int = 32  # features a token
    mlp: int = 48
    depth: int = 2
    heads: int = 2
    side: int = 32  # of the square that the fixed ones see, pixels
    patch: int = 8  # pixels
    tokens: int = 16  # of a text, at most
    projection: int = 24  # of CLIP
    text_width: int = 32  # features a token of CLIP's text tower
    text_heads: int = 2
    vocabulary: int = 0  # rows of the table of words, at least

    @property
    def tower(self) -> dict[str, Any]:
        """As the configurations of `transformers` say it."""
        return {
            "hidden_size": self.width, "intermediate_size": self.mlp, "num_hidden_layers": self.depth,
            "num_attention_heads": self.heads,
        }  # fmt: skip


TINY = Size()
HF: Any = library  # its annotations ask for more than it needs
HF_SIGLIP2: Any = tokenization_siglip2


def clip(folder: Path, size: Size = TINY) -> Path:
    """CLIP: crops the middle, takes the state of the last token, projects to 24 numbers."""
    first, last = "<|startoftext|>", "<|endoftext|>"
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=320, special_tokens=[first, last], end_of_word_suffix="</w>", initial_alphabet=alphabet,
        show_progress=False,
    )  # fmt: skip
    vocabulary, merges = _trained(HF.CLIPTokenizer(), trainer)
    tokenizer = HF.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=size.tokens)
    ends = {
        "bos_token_id": vocabulary[first],
        "eos_token_id": vocabulary[last],
        "pad_token_id": vocabulary[last],
    }
    space = {"projection_dim": size.projection}
    width = size.text_width
    spoken = {"hidden_size": width, "intermediate_size": 4 * width, "num_attention_heads": size.text_heads}
    words = {"vocab_size": max(len(vocabulary), size.vocabulary), "max_position_embeddings": size.tokens}
    config = HF.CLIPConfig(
        text_config=size.tower | spoken | ends | words | space,
        vision_config=size.tower | {"image_size": size.side, "patch_size": size.patch} | space,
        **space,
    )
    square = {"height": size.side, "width": size.side}
    processor = HF.CLIPImageProcessorPil(size={"shortest_edge": size.side}, crop_size=square)
    return _saved(folder, HF.CLIPModel, config, tokenizer, processor)


def siglip(folder: Path, size: Size = TINY) -> Path:
    """SigLIP: squashes, pools by attention, reads every text at full length."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS * 20), model_writer=written, vocab_size=60, pad_id=-1, unk_id=2,
        bos_id=-1, eos_id=1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True)
    model = folder / "spiece.model"
    model.write_bytes(written.getvalue())
    tokenizer = HF.SiglipTokenizer(
        vocab_file=str(model), model_input_names=["input_ids"], model_max_length=size.tokens
    )
    processor = HF.SiglipImageProcessorPil(size={"height": size.side, "width": size.side})
    return _saved(folder, HF.SiglipModel, _siglip_config(len(tokenizer), size), tokenizer, processor)


def siglip2_fixed(folder: Path, size: Size = TINY) -> Path:
    """SigLIP 2 of one resolution: a SigLIP network, Gemma's tokenizer, which does not lower what it reads."""
    vocabulary, merges = _gemma_pieces()
    tokenizer = HF.GemmaTokenizer(
        vocab=vocabulary, merges=merges, padding_side="right", model_input_names=["input_ids"],
        add_bos_token=False, add_eos_token=True, do_lower_case=True, model_max_length=size.tokens,
    )  # fmt: skip
    processor = HF.SiglipImageProcessorPil(size={"height": size.side, "width": size.side}, resample=2)
    return _saved(folder, HF.SiglipModel, _siglip_config(len(vocabulary), size), tokenizer, processor)


def siglip2(folder: Path, size: Size = TINY) -> Path:
    """SigLIP 2 NaFlex: as many patches as the photo's shape asks for, some more than it has positions."""
    grid = size.side // size.patch
    vocabulary, merges = _gemma_pieces()
    words = max(len(vocabulary), size.vocabulary)
    tokenizer = HF_SIGLIP2.Siglip2Tokenizer(
        vocab=vocabulary, merges=merges, padding_side="right", model_input_names=["input_ids"],
        add_bos_token=False, add_eos_token=True, model_max_length=size.tokens,
    )  # fmt: skip
    config = HF.Siglip2Config(
        text_config=size.tower | {"vocab_size": words, "max_position_embeddings": size.tokens},
        vision_config=size.tower | {"patch_size": size.patch, "num_patches": grid**2},
    )
    processor = HF.Siglip2ImageProcessorPil(patch_size=size.patch, max_num_patches=grid * (grid + 2))
    return _saved(folder, HF.Siglip2Model, config, tokenizer, processor)


MAKERS: dict[str, Callable[..., Path]] = {
    "clip": clip, "siglip": siglip, "siglip2_fixed": siglip2_fixed, "siglip2": siglip2,
}  # fmt: skip


def _siglip_config(words: int, size: Size) -> Any:
    return HF.SiglipConfig(
        text_config=size.tower
        | {"vocab_size": max(words, size.vocabulary), "max_position_embeddings": size.tokens},
        vision_config=size.tower | {"image_size": size.side, "patch_size": size.patch},
    )


def _gemma_pieces() -> tuple[dict[str, int], list[tuple[str, ...]]]:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    return _trained(HF.GemmaTokenizer(), trainer)


def _trained(tokenizer: Any, trainer: BpeTrainer) -> tuple[dict[str, int], list[tuple[str, ...]]]:
    """Vocabulary and merges that a tokenizer learns from a few words."""
    backend = tokenizer.backend_tokenizer
    backend.train_from_iterator(WORDS * 20, trainer)
    learned = json.loads(backend.to_str())["model"]
    return learned["vocab"], [tuple(pair) for pair in learned["merges"]]


def _saved(folder: Path, kind: Any, config: Any, tokenizer: Any, processor: Any) -> Path:
    torch.manual_seed(7)
    model = kind(config).eval()
    for parameter in model.parameters():  # small random weights all but ignore their input: make them heed it
        parameter.data.add_(0.15 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
