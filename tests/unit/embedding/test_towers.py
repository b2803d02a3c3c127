import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, ViTModel
from transformers import ViTConfig as PublishedConfig

from embedding.minilm import TextTower, find_minilm
from embedding.vit import ViT, ViTConfig
from training.weights import vit_state


def test_our_vit_is_the_published_one(tmp_path):
    torch.manual_seed(0)
    shape = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 96}
    published = ViTModel(
        PublishedConfig(image_size=64, layer_norm_eps=1e-6, **shape), add_pooling_layer=False
    )
    published.eval()
    ours = ViT(ViTConfig(image_size=64, width=48, depth=3, heads=3, mlp=96)).eval()
    published.save_pretrained(tmp_path)
    ours.load_state_dict(vit_state(load_file(tmp_path / "model.safetensors"), depth=3))
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(published(pixels).last_hidden_state, ours(pixels), atol=1e-5)


def test_our_minilm_is_the_published_one():
    texts = ["same but in red", "a red floral midi dress with long sleeves, for a summer wedding", ""]
    directory = find_minilm()
    tokens = AutoTokenizer.from_pretrained(directory)(texts, padding=True, return_tensors="pt")
    model = AutoModel.from_pretrained(directory).eval()
    with torch.inference_mode():
        hidden = model(**tokens).last_hidden_state
    mask = tokens["attention_mask"][..., None]
    wanted = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    assert np.allclose(wanted, TextTower(directory).encode(texts), atol=1e-5)
