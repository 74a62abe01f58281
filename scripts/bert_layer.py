# SPDX-License-Identifier: Apache-2.0
"""A BERT encoder layer, in float32 but for its projections, which the caller does."""

import math
from collections.abc import Callable

import numpy as np

Tensors = dict[str, np.ndarray]
Project = Callable[[str, np.ndarray], np.ndarray]  # name, activations [M, K] -> [M, N] with bias

LAYER = "encoder.layer.0."
PROJECTIONS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": "output.dense",
}


def layer_norm(x: np.ndarray, tensors: Tensors, name: str, epsilon: float) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    scale, shift = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return centred / np.sqrt(variance + np.float32(epsilon)) * scale + shift


def gelu(x: np.ndarray) -> np.ndarray:
    # The exact one; numpy has no erf.
    erf = np.frompyfunc(math.erf, 1, 1)(x.astype(np.float64) / math.sqrt(2)).astype(np.float64)
    return (x * (0.5 * (1 + erf))).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def embed(tensors: Tensors, ids: list[int], epsilon: float) -> np.ndarray:
    rows = tensors["embeddings.word_embeddings.weight"][ids]
    rows = rows + tensors["embeddings.position_embeddings.weight"][: len(ids)]
    rows = rows + tensors["embeddings.token_type_embeddings.weight"][0]
    return layer_norm(rows, tensors, "embeddings.LayerNorm", epsilon)


def encoder_layer(
    tensors: Tensors, x: np.ndarray, heads: int, epsilon: float, project: Project
) -> np.ndarray:
    """One post-norm BERT encoder layer; `project` does each of its six matmuls."""

    def split(y: np.ndarray) -> np.ndarray:  # [M, hidden] -> [heads, M, hidden / heads]
        return y.reshape(len(y), heads, -1).transpose(1, 0, 2)

    query, key, value = (split(project(name, x)) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(query.shape[-1]))
    context = (softmax(scores) @ value).transpose(1, 0, 2).reshape(len(x), -1)
    attended = layer_norm(
        x + project("attention output", context),
        tensors,
        f"{LAYER}attention.output.LayerNorm",
        epsilon,
    )
    inner = gelu(project("intermediate", attended))
    return layer_norm(
        attended + project("output", inner), tensors, f"{LAYER}output.LayerNorm", epsilon
    )


def cosine_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Mean over the rows (tokens)."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(((a * b).sum(axis=1) / norms).mean())
