"""Features of the pretrained networks that the tower must not forget: computed once, on the plain photos."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch

from embedding.preprocess import Pixels, Preprocessing, normalise
from embedding.vit import ViT, ViTConfig
from training.weights import deit_to_vit

Floats = npt.NDArray[np.float32]

_BATCH = 32


def teacher_features(data: Path, squares: Pixels, cache: Path | None = None) -> tuple[Floats, Floats]:
    """(N, S, S, 3) -> (N, 192) of DeiT-tiny and (N, 1280) of MobileNetEdgeTPU, centred, unit rows."""
    stored = cache / f"teachers-{len(squares)}-{int(squares[:, ::32, ::32].sum())}.npz" if cache else None
    if stored and stored.is_file():
        arrays = np.load(stored)
        return arrays["deit"], arrays["edge"]
    small = squares[:, 16:-16, 16:-16]  # (N, 224, 224, 3): the middle, at the scale of the views
    deit, edge = _centred(_deit(data, small)), _centred(_edge(data, small))
    if stored:
        np.savez(stored, deit=deit, edge=edge)
    return deit, edge


def _centred(features: Floats) -> Floats:
    away = features - features.mean(0)
    return np.asarray(away / np.linalg.norm(away, axis=1, keepdims=True), dtype=np.float32)


@torch.inference_mode()
def _deit(data: Path, squares: Pixels) -> Floats:
    vit = ViT(ViTConfig()).eval()
    vit.load_state_dict(deit_to_vit(data / "weights" / "deit-tiny-patch16-224"))
    features = []
    for start in range(0, len(squares), _BATCH):
        inputs = torch.from_numpy(normalise(squares[start : start + _BATCH], Preprocessing()))
        with torch.autocast("cpu", torch.bfloat16):
            features.append(vit(inputs)[:, 0].float().numpy())
    return np.concatenate(features)


def _edge(data: Path, squares: Pixels) -> Floats:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(data / "weights" / "mobilenet-edgetpu" / "features.onnx"), options
    )
    features = []
    for start in range(0, len(squares), _BATCH):
        batch = squares[start : start + _BATCH].transpose(0, 3, 1, 2).astype(np.float32)
        features.append(session.run(None, {"rgb_0_255": batch})[0])
    return np.concatenate(features)
