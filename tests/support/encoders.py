"""Tiny encoders of photos and words with random weights, in folders as they are published.

Each is what `transformers` itself saves: CLIP; SigLIP with its SentencePiece tokenizer; SigLIP 2 of one
resolution, which is a SigLIP network with Gemma's tokenizer; SigLIP 2 NaFlex.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from tokenizers import pre_tokenizers
from tokenizers.trainers import BpeTrainer
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

WORDS = ["a red dress with long sleeves", "blue shirt", "striped navy trousers, in dark green", "no logo!"]
TOWER: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip
SIDE = 32  # of the square that the fixed ones see


def clip(folder: Path) -> Path:
    """CLIP: crops the middle, takes the state of the last token, projects to 24 numbers."""
    first, last = "<|startoftext|>", "<|endoftext|>"
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=320, special_tokens=[first, last], end_of_word_suffix="</w>", initial_alphabet=alphabet,
        show_progress=False,
    )  # fmt: skip
    vocabulary, merges = _trained(transformers.CLIPTokenizer(), trainer)
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=16)
    ends = {
        "bos_token_id": vocabulary[first],
        "eos_token_id": vocabulary[last],
        "pad_token_id": vocabulary[last],
    }
    words = {"vocab_size": len(vocabulary), "max_position_embeddings": 16, "projection_dim": 24}
    config = transformers.CLIPConfig(
        text_config=TOWER | ends | words,
        vision_config=TOWER | {"image_size": SIDE, "patch_size": 8, "projection_dim": 24},
        projection_dim=24,
    )
    size = {"height": SIDE, "width": SIDE}
    processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size)
    return _saved(folder, transformers.CLIPModel, config, tokenizer, processor)


def siglip(folder: Path) -> Path:
    """SigLIP: squashes, pools by attention, reads every text at full length."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS * 20), model_writer=written, vocab_size=60, pad_id=-1, unk_id=2,
        bos_id=-1, eos_id=1, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True)
    model = folder / "spiece.model"
    model.write_bytes(written.getvalue())
    tokenizer = transformers.SiglipTokenizer(
        vocab_file=str(model), model_input_names=["input_ids"], model_max_length=16
    )
    processor = transformers.SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    return _saved(folder, transformers.SiglipModel, _siglip_config(len(tokenizer)), tokenizer, processor)


def siglip2_fixed(folder: Path) -> Path:
    """SigLIP 2 of one resolution: a SigLIP network, Gemma's tokenizer, which does not lower what it reads."""
    vocabulary, merges = _gemma_pieces()
    tokenizer = transformers.GemmaTokenizer(
        vocab=vocabulary, merges=merges, padding_side="right", model_input_names=["input_ids"],
        add_bos_token=False, add_eos_token=True, do_lower_case=True, model_max_length=16,
    )  # fmt: skip
    processor = transformers.SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=2)
    return _saved(folder, transformers.SiglipModel, _siglip_config(len(vocabulary)), tokenizer, processor)


def siglip2(folder: Path) -> Path:
    """SigLIP 2 NaFlex: as many patches as the photo's shape asks for, at most 24."""
    vocabulary, merges = _gemma_pieces()
    tokenizer = Siglip2Tokenizer(
        vocab=vocabulary, merges=merges, padding_side="right", model_input_names=["input_ids"],
        model_max_length=16,
    )  # fmt: skip
    config = transformers.Siglip2Config(
        text_config=TOWER | {"vocab_size": len(vocabulary), "max_position_embeddings": 16},
        vision_config=TOWER | {"patch_size": 8, "num_patches": 16},
    )
    processor = transformers.Siglip2ImageProcessorPil(patch_size=8, max_num_patches=24)
    return _saved(folder, transformers.Siglip2Model, config, tokenizer, processor)


MAKERS: dict[str, Callable[[Path], Path]] = {
    "clip": clip, "siglip": siglip, "siglip2_fixed": siglip2_fixed, "siglip2": siglip2,
}  # fmt: skip


def _siglip_config(words: int) -> transformers.SiglipConfig:
    return transformers.SiglipConfig(
        text_config=TOWER | {"vocab_size": words, "max_position_embeddings": 16},
        vision_config=TOWER | {"image_size": SIDE, "patch_size": 8},
    )


def _gemma_pieces() -> tuple[dict[str, int], list[tuple[str, ...]]]:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    return _trained(transformers.GemmaTokenizer(), trainer)


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
