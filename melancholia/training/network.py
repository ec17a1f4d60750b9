"""The network that `composition.decoder` runs in NumPy, as torch trains it, and the way from the one to the other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from melancholia.composition.coding import FIELDS

HEADS = 4


class Layer(nn.Module):
    """Attention to what was before, then a step of each note's own."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        lines, notes, width = x.shape
        q, k, v = self.qkv(self.before(x)).view(lines, notes, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        drop = self.dropout if self.training else 0.0
        found = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=drop)
        x = x + F.dropout(self.out(found.transpose(1, 2).reshape(lines, notes, width)), drop)
        return x + F.dropout(self.down(F.gelu(self.up(self.after(x)), approximate="tanh")), drop)


class Network(nn.Module):
    """From the notes of lines, each of four choices, with their cues, to what each next choice is likely to be."""

    def __init__(self, cues: int, width: int, layers: int, context: int, dropout: float) -> None:
        super().__init__()
        self.notes = nn.ModuleDict({name: nn.Embedding(count, width) for name, count in FIELDS.items()})
        self.cue = nn.Linear(cues, width)
        self.position = nn.Parameter(torch.randn(context, width) * 0.02)
        self.layers = nn.ModuleList(Layer(width, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        first, *others = FIELDS
        self.gap = nn.Linear(width, FIELDS[first])
        self.tone_cue = nn.Linear(cues, width)
        self.tone = nn.ModuleDict({name: nn.Embedding(FIELDS[name], width) for name in (first, *others[:-1])})
        self.inner = nn.ModuleDict({name: nn.Linear(width, width) for name in others})
        self.outer = nn.ModuleDict({name: nn.Linear(width, FIELDS[name]) for name in others})
        self.dropout = dropout
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.05)

    def forward(self, choices: Tensor, cues: Tensor) -> dict[str, Tensor]:
        """Logits by field for the notes behind the first; (lines, notes, 4) and (lines, notes, cues)."""
        drop = self.dropout if self.training else 0.0
        x = self.cue(cues[:, :-1]) + self.position[: choices.shape[1] - 1]
        for k, table in enumerate(self.notes.values()):
            x = x + table(choices[:, :-1, k])
        x = F.dropout(x, drop)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        found = {"gap": self.gap(x)}
        x = x + self.tone_cue(cues[:, 1:])
        for k, (known, name) in enumerate(zip(self.tone, self.inner, strict=True)):
            x = x + self.tone[known](choices[:, 1:, k])
            found[name] = self.outer[name](F.dropout(F.gelu(self.inner[name](x), approximate="tanh"), drop))
        return found


def tensors_of(network: Network) -> dict[str, Tensor]:
    """The weights as `composition.decoder` names them; matrices are turned, since it multiplies from the left."""
    found: dict[str, Tensor] = {"position": network.position}

    def linear(name: str, layer: Any) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = layer.weight.T, layer.bias

    def norm(name: str, layer: Any) -> None:
        found[f"{name}.scale"], found[f"{name}.shift"] = layer.weight, layer.bias

    for name, table in network.notes.items():
        found[f"in.{name}"] = table.weight  # type: ignore[assignment]
    for name, table in network.tone.items():
        found[f"tone.{name}"] = table.weight  # type: ignore[assignment]
    for number, layer in enumerate(network.layers):
        norm(f"{number}.before", layer.before)
        norm(f"{number}.after", layer.after)
        for part in ("qkv", "out", "up", "down"):
            linear(f"{number}.{part}", getattr(layer, part))
    norm("norm", network.norm)
    linear("cue", network.cue)
    linear("gap", network.gap)
    linear("tone.cue", network.tone_cue)
    for name in network.inner:
        linear(f"{name}.inner", network.inner[name])
        linear(name, network.outer[name])
    return found


def weights_of(network: Network) -> dict[str, NDArray[np.float16]]:
    """A copy of the weights, as the decoder reads them."""
    return {
        name: np.ascontiguousarray(value.detach().numpy().astype(np.float16))
        for name, value in tensors_of(network).items()
    }


def loss_of(found: Mapping[str, Tensor], choices: Tensor, counted: Tensor) -> dict[str, Tensor]:
    """Nats a note by field, over the notes that are counted (lines, notes - 1)."""
    total = counted.sum()
    return {
        name: (F.cross_entropy(logits.transpose(1, 2), choices[:, 1:, k], reduction="none") * counted).sum() / total
        for k, (name, logits) in enumerate(found.items())
    }


def network_of(weights: Mapping[str, NDArray[np.float16]], layers: int) -> Network:
    """The network with these weights, to be judged."""
    context, width = weights["position"].shape
    network = Network(len(weights["cue.weight"]), width, layers, context, 0.0)
    with torch.no_grad():
        for name, tensor in tensors_of(network).items():
            tensor.copy_(torch.from_numpy(weights[name].astype(np.float32)))
    network.eval()
    return network
