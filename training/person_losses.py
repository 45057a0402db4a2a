"""What the person embedder minimises: to name training's people, and to bring one's pictures together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class CosineNames(nn.Module):
    """Classification of ``people`` by the angle to a vector of each, with a margin (CosFace: Wang et al., 2018).

    Only for training: what is shipped has no names.
    """

    def __init__(self, dims: int, people: int, scale: float, margin: float) -> None:
        super().__init__()
        self.names = nn.Parameter(functional.normalize(torch.randn(people, dims)))
        self._scale, self._margin = scale, margin

    def forward(self, vectors: Tensor, person: Tensor) -> Tensor:
        """The mean cross entropy of unit vectors (n, dims) of ``person`` (n,)."""
        cosine = vectors @ functional.normalize(self.names).mT
        less = self._margin * functional.one_hot(person, cosine.shape[1])
        return functional.cross_entropy(self._scale * (cosine - less), person, label_smoothing=0.1)


def supervised_contrast(vectors: Tensor, person: Tensor, temperature: float) -> Tensor:
    """The supervised contrastive loss (Khosla et al., 2020, L_out) of unit vectors (n, dims) of ``person`` (n,).

    For each picture with another of the same person: the mean over those of -log softmax of the scalar product over
    ``temperature``, among all other pictures.
    """
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    same = (person[:, None] == person[None]) & ~itself
    likeness = (vectors @ vectors.mT / temperature).masked_fill(itself, -1e9)
    share = likeness.log_softmax(dim=1)
    count = same.sum(dim=1)
    each = -(share * same).sum(dim=1) / count.clamp(min=1)
    return each[count > 0].mean()


def batch_hard(vectors: Tensor, person: Tensor, margin: float) -> Tensor:
    """The batch-hard triplet loss (Hermans et al., 2017) with a ``margin`` in scalar products of unit vectors.

    For each picture: the farthest of the same person against the nearest of another.
    """
    likeness = vectors @ vectors.mT
    same = person[:, None] == person[None]
    farthest = likeness.masked_fill(~same, 2.0).amin(dim=1)
    nearest = likeness.masked_fill(same, -2.0).amax(dim=1)
    return functional.relu(nearest - farthest + margin).mean()
