"""A small transformer in plain NumPy that says what the next note of a line is likely to be.

Its weights come from `training.model`, which trains the same network with torch. A line goes in as choices and cues
(`coding`); keys and values of what was read are kept, so that each further note costs one step. Several continuations
of one line are drawn side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import FIELDS, LAYOUTS, Layout
from melancholia.composition.packed import unpack
from melancholia.errors import InputError

SCHEMA = 1
MEMBER = "melancholia-model.json"  # inside the file: what is no array
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """The network: weights by name, layers, heads, and how many notes it sees (`context`); `about` is its card."""

    weights: Mapping[str, Floats]
    layers: int
    heads: int
    context: int
    about: Mapping[str, Any]

    @property
    def width(self) -> int:
        return int(self.weights["position"].shape[1])

    @property
    def layout(self) -> Layout:
        """What its cues tell."""
        return LAYOUTS[self.about["what"]]


@dataclass(slots=True, eq=False)
class Reading:
    """Lines that are read side by side: keys and values by layer, (lines, heads, context, width), of which the first
    `notes` have been read; `last` is what the network makes of the note that was read last, (lines, width)."""

    keys: list[Floats]
    values: list[Floats]
    last: Floats
    notes: int

    def only(self, lines: NDArray[np.bool_]) -> None:
        """Go on with these alone, in their order; nothing is copied of those before the first that ends."""
        going = np.flatnonzero(lines)
        first = int(np.argmin(lines))
        for kept in (self.keys, self.values):
            for k, values in enumerate(kept):
                values[first : len(going), :, : self.notes] = values[going[first:], :, : self.notes]
                kept[k] = values[: len(going)]
        self.last = self.last[going]


def load_decoder(path: Path) -> Decoder:
    """A model from its file.

    Raises
    ------
    InputError
        There is no such file, or it is no model of this kind.
    """
    about, arrays = unpack(path, MEMBER, "a model", "melancholia learn melody")
    weights = {name: values.astype(np.float32) for name, values in arrays.items()}
    layout = LAYOUTS.get(about.get("what", ""))
    fields, cues = list(FIELDS.values()), layout and layout.width
    if about.get("schema") != SCHEMA or about.get("fields") != fields or about.get("cues") != cues:
        raise InputError(f"{path} is a model of another version; train it anew.")
    return Decoder(weights, int(about["layers"]), int(about["heads"]), int(about["context"]), about)


def normed(x: Floats, scale: Floats, shift: Floats) -> Floats:
    share = np.float32(1 / x.shape[-1])
    found = x - np.add.reduce(x, axis=-1, keepdims=True) * share
    found /= np.sqrt(np.einsum("...i,...i->...", found, found)[..., None] * share + np.float32(1e-5))
    found *= scale
    found += shift
    return np.asarray(found)


def gelu(x: Floats) -> Floats:
    """In its form with tanh, as the network was trained."""
    found = x * x
    found *= np.float32(0.7978845608 * 0.044715)
    found += np.float32(0.7978845608)
    found *= x
    np.tanh(found, out=found)
    found += 1
    found *= x
    found *= np.float32(0.5)
    return found


def read(model: Decoder, choices: NDArray[np.int64], cues: Floats) -> Reading:
    """Read lines of as many notes each, (lines, notes, 4) and (lines, notes, cues); `context` notes at most."""
    w = model.weights
    lines, notes = choices.shape[:2]
    x = cues @ w["cue.weight"] + w["cue.bias"] + w["position"][:notes]
    for k, field in enumerate(FIELDS):
        x = x + w[f"in.{field}"][choices[:, :, k]]
    size = model.width // model.heads
    later = np.triu(np.full((notes, notes), -1e9, np.float32), 1)
    keys, values = [], []
    for k in range(model.layers):
        q, key, value = projected(w, k, x).reshape(lines, notes, 3, model.heads, size).transpose(2, 0, 3, 1, 4)
        scores = q @ key.swapaxes(2, 3) / np.float32(np.sqrt(size)) + later
        found = (softmax(scores) @ value).swapaxes(1, 2).reshape(lines, notes, -1)
        x = x + found @ w[f"{k}.out.weight"] + w[f"{k}.out.bias"]
        x = x + forward(w, k, x)
        keys.append(with_room(key, model.context))
        values.append(with_room(value, model.context))
    return Reading(keys, values, normed(x[:, -1], w["norm.scale"], w["norm.shift"]), notes)


def with_room(values: Floats, context: int) -> Floats:
    """Keys or values of what was read, with room for as many notes as the network sees."""
    lines, heads, notes, size = values.shape
    found = np.empty((lines, heads, context, size), np.float32)
    found[:, :, :notes] = values
    return found


def projected(w: Mapping[str, Floats], layer: int, x: Floats) -> Floats:
    inner = normed(x, w[f"{layer}.before.scale"], w[f"{layer}.before.shift"])
    return inner @ w[f"{layer}.qkv.weight"] + w[f"{layer}.qkv.bias"]


def forward(w: Mapping[str, Floats], layer: int, x: Floats) -> Floats:
    inner = normed(x, w[f"{layer}.after.scale"], w[f"{layer}.after.shift"])
    inner = gelu(inner @ w[f"{layer}.up.weight"] + w[f"{layer}.up.bias"])
    return inner @ w[f"{layer}.down.weight"] + w[f"{layer}.down.bias"]


def softmax(x: Floats) -> Floats:
    raised = x - np.maximum.reduce(x, axis=-1, keepdims=True)
    np.exp(raised, out=raised)
    raised /= np.add.reduce(raised, axis=-1, keepdims=True)
    return np.asarray(raised)


def side_by_side(reading: Reading, lines: int) -> Reading:
    """One line that was read, as the beginning of several."""
    return Reading(
        [np.repeat(k, lines, axis=0) for k in reading.keys],
        [np.repeat(v, lines, axis=0) for v in reading.values],
        np.repeat(reading.last, lines, axis=0),
        reading.notes,
    )


def read_on(model: Decoder, reading: Reading, choices: NDArray[np.int64], cues: Floats) -> None:
    """Read one note more of each line, (lines, 4) and (lines, cues), into `reading`."""
    w, lines = model.weights, len(choices)
    x = cues @ w["cue.weight"] + w["cue.bias"] + w["position"][reading.notes]
    for field, column in zip(FIELDS, choices.T, strict=True):
        x = x + w[f"in.{field}"][column]
    size = model.width // model.heads
    for k in range(model.layers):
        q, key, value = projected(w, k, x).reshape(lines, 3, model.heads, size).swapaxes(0, 1)
        reading.keys[k][:, :, reading.notes] = key
        reading.values[k][:, :, reading.notes] = value
        keys, values = (kept[:, :, : reading.notes + 1] for kept in (reading.keys[k], reading.values[k]))
        scores = (q[:, :, None] @ keys.swapaxes(2, 3)) / np.float32(np.sqrt(size))
        found = (softmax(scores) @ values).reshape(lines, -1)
        x = x + found @ w[f"{k}.out.weight"] + w[f"{k}.out.bias"]
        x = x + forward(w, k, x)
    reading.notes += 1
    reading.last = normed(x, w["norm.scale"], w["norm.shift"])


def gap_logits(model: Decoder, reading: Reading) -> Floats:
    """How likely each gap to the next note is, as logits (lines, gaps)."""
    return reading.last @ model.weights["gap.weight"] + model.weights["gap.bias"]


@dataclass(slots=True, eq=False)
class Tone:
    """The next note of each line while it is chosen, field by field; `state` is (lines, width)."""

    model: Decoder
    state: Floats

    def chosen(self, field: str, classes: NDArray[np.int64]) -> None:
        """One more of its fields is known."""
        self.state = self.state + self.model.weights[f"tone.{field}"][classes]

    def logits(self, field: str) -> Floats:
        """How likely each class of the next field is."""
        w = self.model.weights
        inner = gelu(self.state @ w[f"{field}.inner.weight"] + w[f"{field}.inner.bias"])
        return inner @ w[f"{field}.weight"] + w[f"{field}.bias"]


def tone(model: Decoder, reading: Reading, cues: Floats) -> Tone:
    """The next note of each line, where its cues (lines, cues) are known."""
    w = model.weights
    return Tone(model, reading.last + cues @ w["tone.cue.weight"] + w["tone.cue.bias"])
