"""A vision transformer (Dosovitskiy et al., 2021), the same arithmetic as `transformers.ViTModel`.

Written out because importing `transformers` takes five seconds, which every start of the web would pay; a
test proves the two equal on the same weights.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - PyTorch's own name for it


@dataclass(frozen=True)
class ViTConfig:
    """The shape of the transformer. Saved in the pack."""

    image_size: int = 224  # side of the square input, pixels
    patch_size: int = 16  # side of a patch, pixels
    width: int = 192  # features a token
    depth: int = 12  # blocks
    heads: int = 3  # attention heads a block
    mlp: int = 768  # hidden features of a block's MLP
    eps: float = 1e-6  # of the layer norms

    @property
    def grid(self) -> int:
        """Patches on a side."""
        return self.image_size // self.patch_size


class Attention(nn.Module):
    """Multi-head self-attention over tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, N, width) tokens, optional (B, 1, 1, N) mask of what may be seen -> (B, N, width)."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, width / heads)
        if mask is None and x.dtype == torch.bfloat16 and x.device.type == "cpu":
            mixed = _attend(query, key, value)
        else:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        joined: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return joined


def _attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention in its parts: in bfloat16 on a CPU the fused one makes the whole tower 1.3 times as slow."""
    scores = query * query.shape[-1] ** -0.5 @ key.transpose(-2, -1)  # (B, heads, N, N)
    mixed: Tensor = scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ value
    return mixed


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=config.eps)
        self.attention = Attention(config.width, config.heads)
        self.norm2 = nn.LayerNorm(config.width, eps=config.eps)
        self.up = nn.Linear(config.width, config.mlp)
        self.down = nn.Linear(config.mlp, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        computed = self.up.weight.dtype  # of the products; x itself, which all blocks add to, stays float32
        x = x + self.attention(self.norm1(x).to(computed))
        deeper: Tensor = x + self.down(F.gelu(self.up(self.norm2(x).to(computed))))
        return deeper


class ViT(nn.Module):
    """Pixels to tokens: the class token first, then one a patch."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        patches = config.grid**2
        self.config = config
        self.patch = nn.Conv2d(3, config.width, config.patch_size, config.patch_size)
        self.cls = nn.Parameter(torch.zeros(1, 1, config.width))
        self.position = nn.Parameter(torch.zeros(1, 1 + patches, config.width))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, eps=config.eps)

    def compute_in(self, dtype: torch.dtype) -> None:
        """Turn the weights of all products into this type. Norms and what the blocks add up stay float32."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.to(dtype)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) normalised pixels -> (B, 1 + patches, width) tokens after the last norm."""
        tokens: Tensor = self.norm(self.after(pixels, self.config.depth))
        return tokens

    def twice(self, pixels: Tensor, blocks: int) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) normalised pixels -> tokens after so many blocks, and after all and the last norm."""
        early = self.after(pixels, blocks)
        late = early
        for block in list(self.blocks)[blocks:]:
            late = block(late)
        return early, self.norm(late)

    def after(self, pixels: Tensor, blocks: int) -> Tensor:
        """(B, 3, S, S) normalised pixels -> (B, 1 + patches, width) tokens after so many blocks."""
        x = self.patch(pixels.to(self.patch.weight.dtype)).flatten(2).transpose(1, 2)  # (B, patches, width)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x.to(self.cls.dtype)], dim=1) + self.position
        for block in list(self.blocks)[:blocks]:
            x = block(x)
        tokens: Tensor = x
        return tokens
