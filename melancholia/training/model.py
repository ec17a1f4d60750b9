"""Training of a model of lines, of tunes or of what goes beside them: one thread, a fixed seed, so many steps.

What judges best on works kept away is kept.

A step reads 32 stretches of lines. Of each it draws how broad its phrases are and how its chords are told, and hides
each thing that a phrase is asked to be one time in five, so that the model can do without. Where it stopped it goes on.
"""

import datetime
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melancholia.composition.coding import FIELDS, TUNE, Layout
from melancholia.composition.decoder import MEMBER, SCHEMA
from melancholia.composition.packed import holds, pack
from melancholia.errors import InputError, MelancholiaError
from melancholia.files import Kind, begins_with, writing
from melancholia.training.corpus import Corpus
from melancholia.training.lines import Coded, beside, tune_of
from melancholia.training.musicxml import EXTRA
from melancholia.training.phrases import phrase_tables
from melancholia.training.split import split
from melancholia.training.works import Work

HIDDEN = 0.2  # of the stretches do without one of the things that may be unknown
MEANT = 0.5  # of the stretches are told the chords that are meant, the others what is heard
WARM_STEPS, LAST_RATE = 100, 0.01  # steps until the full rate, and the share of it that is left at the end
LONGEST_STEP = 1.0  # norm of a gradient
EVERY = 200  # steps between two looks at the works kept away
SLOW = 0.95  # of the loss that is shown stays from step to step
STANDS = ("steps", "notes", "seconds", "first", "loss", "nats")  # what is written down of a training, as it is
LEAST_WORKS = 20  # to learn from
PILOT = ("leaps", "dissonance")  # unknown where figures are compared with those of the pilot, which had no such cues


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained: its size, and how it learns."""

    width: int = 128
    layers: int = 3
    context: int = 96
    dropout: float = 0.25
    rate: float = 1e-3
    decay: float = 0.05
    stretches: int = 32
    steps: int = 4500
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """Weights by name, and the card of the model: what it was trained on, how, and what it is worth."""

    weights: Mapping[str, NDArray[np.float16]]
    about: Mapping[str, Any]


def learned_from(works: Sequence[Work], layout: Layout) -> list[Work]:
    """The works that are learned from: of tunes those with a voice, where any has one, else all."""
    sung = [work for work in works if "voice" in work.lines] if layout is TUNE else []
    return sung or list(works)


def needs_torch() -> None:
    """Refuse to train where torch is missing."""
    import importlib.util

    if importlib.util.find_spec("torch") is None:
        raise MelancholiaError(f"training needs the extra 'train' (pip install '{EXTRA}').")


@dataclass(slots=True, eq=False)
class Sides:
    """Coded lines by side."""

    train: list[Coded]
    validation: list[Coded]
    test: list[Coded]


def sides_of(works: Sequence[Work], layout: Layout) -> Sides:
    """The lines of works, coded, by the side that `split` gives them.

    Raises
    ------
    InputError
        There are too few.
    """
    found = Sides([], [], [])
    for work, side in zip(works, split(works), strict=True):
        getattr(found, side).extend([tune_of(work)] if layout is TUNE else beside(work))
    if len(found.train) < LEAST_WORKS or not found.validation or not found.test:
        raise InputError(
            f"the corpus has {len(works)} works, {len(found.train)} lines to learn from and "
            f"{len(found.validation) + len(found.test)} to judge by; allowed: {LEAST_WORKS} and one or more of each."
        )
    return found


class Stretches:
    """Draws stretches of lines: choices (lines, notes, 4), cues, and which notes count."""

    def __init__(self, lines: Sequence[Coded], recipe: Recipe, rng: np.random.Generator) -> None:
        self.lines, self.rng, self.notes, self.count = lines, rng, recipe.context + 1, recipe.stretches
        self.layout = lines[0].layout
        hop = self.notes // 3
        self.starts = [(k, at) for k, x in enumerate(lines) for at in range(0, max(1, len(x.choices) - hop), hop)]

    def draw(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        choices = np.zeros((self.count, self.notes, len(FIELDS)), np.int64)
        cues = np.zeros((self.count, self.notes, self.layout.width), np.float32)
        counted = np.zeros((self.count, self.notes - 1), np.float32)
        for row in range(self.count):
            line, at = self.starts[int(self.rng.integers(len(self.starts)))]
            found = self.lines[line]
            at = int(
                np.clip(at + self.rng.integers(-self.notes // 3, self.notes // 3), 0, max(0, len(found.choices) - 8))
            )
            inside = slice(at, at + self.notes)
            told = found.told(int(self.rng.integers(len(found.cues))), meant=bool(self.rng.random() < MEANT))[inside]
            told = self.layout.hidden(told, [name for name in self.layout.soft if self.rng.random() < HIDDEN])
            size = len(told)
            choices[row, :size], cues[row, :size], counted[row, : size - 1] = found.choices[inside], told, 1
        return choices, cues, counted


def train(
    corpus: Corpus,
    recipe: Recipe = Recipe(),  # noqa: B008
    *,
    layout: Layout = TUNE,
    seconds: float | None = None,
    kept: Path | None = None,
    progress: Callable[[float, str], None] | None = None,
    today: datetime.date | None = None,
) -> Trained:
    """Train a model.

    Parameters
    ----------
    corpus : Corpus
    recipe : Recipe
        Its size and how it learns; the same recipe on the same corpus gives the same model on one machine.
    layout : Layout
        What it learns: `TUNE` or `BESIDE`, the lines that go with a tune.
    seconds : float, optional
        Stop after so many, wherever it is.
    kept : path, optional
        Where to keep what is under way, and to go on from.
    progress : callable, optional
        Called with a share 0..1 and words.
    today : date, optional
        For the card.

    Raises
    ------
    InputError
        The corpus has too few works, or what is kept is of another recipe.
    MelancholiaError
        torch is missing.
    """
    needs_torch()
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    works = learned_from(corpus.works, layout)
    sides = sides_of(works, layout)
    known = fingerprint(works)
    under_way = UnderWay(sides, recipe, known)
    if kept is not None and kept.exists():
        under_way.go_on_from(kept)
    began = time.monotonic() - under_way.seconds
    while under_way.steps < recipe.steps and (seconds is None or time.monotonic() - began < seconds):
        under_way.step()
        if progress is not None:
            progress(under_way.steps / recipe.steps, f"{under_way.loss:.3f} nats a note")
        if under_way.steps % EVERY == 0 or under_way.steps == recipe.steps:
            under_way.judge(sides.validation)
            under_way.seconds = time.monotonic() - began
            if kept is not None:
                under_way.keep(kept)
    weights = under_way.best or under_way.weights
    return Trained(weights, card(under_way, works, sides, weights, time.monotonic() - began, today))


class UnderWay:
    """A training: the network, what has been learned with it so far, and the best of it."""

    def __init__(self, sides: Sides, recipe: Recipe, corpus: str) -> None:
        import torch

        from melancholia.training.network import Network

        self.recipe, self.corpus = recipe, corpus
        self.network = Network(sides.train[0].layout.width, recipe.width, recipe.layers, recipe.context, recipe.dropout)
        self.learner = torch.optim.AdamW(self.network.parameters(), recipe.rate, (0.9, 0.98), weight_decay=recipe.decay)
        self.stretches = Stretches(sides.train, recipe, np.random.default_rng(recipe.seed))
        self.steps, self.notes, self.seconds = 0, 0, 0.0
        self.first, self.loss = 0.0, 0.0  # nats a note of the first step, and of the last ones
        self.nats = np.inf  # of the best
        self.best: Mapping[str, NDArray[np.float16]] | None = None

    @property
    def weights(self) -> Mapping[str, NDArray[np.float16]]:
        from melancholia.training.network import weights_of

        return weights_of(self.network)

    def step(self) -> None:
        """Learn from so many stretches."""
        import torch

        from melancholia.training.network import loss_of

        for group in self.learner.param_groups:
            group["lr"] = rate_at(self.recipe, self.steps)
        choices, cues, counted = map(torch.from_numpy, self.stretches.draw())
        loss = torch.stack(list(loss_of(self.network(choices, cues), choices, counted).values())).sum()
        self.learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_STEP)
        self.learner.step()
        now = loss.item()
        self.first, self.loss = (now, now) if not self.steps else (self.first, SLOW * self.loss + (1 - SLOW) * now)
        self.steps += 1
        self.notes += int(counted.sum())

    def judge(self, lines: Sequence[Coded]) -> None:
        """Keep the weights where they do better on these lines than any before."""
        found = [sum(nats(self.network, lines, meant=meant).values()) for meant in (False, True)]
        if float(np.mean(found)) < self.nats:
            self.nats, self.best = float(np.mean(found)), self.weights

    def keep(self, path: Path) -> None:
        """Write down where it stands."""
        import torch

        said = {name: getattr(self, name) for name in STANDS}
        said |= {"recipe": asdict(self.recipe), "corpus": self.corpus}
        drawn = json.dumps(self.stretches.rng.bit_generator.state)
        best = {name: torch.from_numpy(value) for name, value in (self.best or {}).items()}
        with writing(path, over=TRAINING) as part:
            torch.save(
                {
                    "said": said, "network": self.network.state_dict(), "learner": self.learner.state_dict(),
                    "best": best, "drawn": drawn, "torch": torch.get_rng_state(),
                },
                part,
            )  # fmt: skip

    def go_on_from(self, path: Path) -> None:
        """Stand where a training that was kept stood.

        Raises
        ------
        InputError
            It is none, or one of another recipe or corpus.
        """
        import pickle

        import torch

        try:
            found = torch.load(path, weights_only=True)
            said = found["said"]
        except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise InputError(
                f"{path} is no training that is under way; allowed: to remove it, or another name."
            ) from error
        if said["recipe"] != asdict(self.recipe) or said["corpus"] != self.corpus:
            raise InputError(f"{path} is of another recipe or corpus; allowed: the same, or another name.")
        self.network.load_state_dict(found["network"])
        self.learner.load_state_dict(found["learner"])
        for name in STANDS:
            setattr(self, name, said[name])
        self.best = {name: value.numpy() for name, value in found["best"].items()} or None
        self.stretches.rng.bit_generator.state = json.loads(found["drawn"])
        torch.set_rng_state(found["torch"])


def rate_at(recipe: Recipe, step: int) -> float:
    """How fast it learns at a step: up to the full rate, then down along half a cosine."""
    down = 0.5 * (1 + np.cos(np.pi * step / recipe.steps))
    return recipe.rate * min(1.0, (step + 1) / WARM_STEPS) * (LAST_RATE + (1 - LAST_RATE) * float(down))


def nats(
    network: Any, lines: Sequence[Coded], *, meant: bool, phrasing: int = 0, unknown: tuple[str, ...] = ()
) -> dict[str, float]:
    """Nats a note by field on lines that were kept away, each note told by half a context or more before it."""
    import torch
    import torch.nn.functional as F

    network.eval()
    reach = network.position.shape[0]
    total = dict.fromkeys(FIELDS, 0.0)
    count = 0
    with torch.no_grad():
        for line in lines:
            cues = line.layout.hidden(line.told(phrasing, meant=meant), unknown)
            for at in range(0, len(line.choices) - 1, reach // 2):
                first, last = max(0, at - reach // 2), min(len(line.choices), at + reach // 2 + 1)
                choices = torch.from_numpy(line.choices[first:last])[None]
                found = network(choices, torch.from_numpy(cues[first:last])[None])
                for k, (name, logits) in enumerate(found.items()):
                    total[name] += float(
                        F.cross_entropy(logits[0, at - first :], choices[0, at - first + 1 :, k], reduction="sum")
                    )
                count += last - 1 - at
    network.train()
    return {name: value / count for name, value in total.items()}


def fingerprint(works: Sequence[Work]) -> str:
    """Tells one set of works from another."""
    digest = hashlib.blake2b(digest_size=8)
    for work in works:
        digest.update(work.name.encode("utf-8", "surrogateescape"))
        digest.update(np.ascontiguousarray(work.melody.notes).tobytes())
    return digest.hexdigest()


TRAINING = Kind("a training that is under way", begins_with(b"PK"))


def card(
    under_way: UnderWay,
    works: Sequence[Work],
    sides: Sides,
    weights: Mapping[str, NDArray[np.float16]],
    seconds: float,
    today: datetime.date | None,
) -> dict[str, Any]:
    """What is to be known of a model."""
    import torch

    from melancholia.training.network import HEADS, network_of

    recipe, layout = under_way.recipe, sides.train[0].layout
    network = network_of(weights, recipe.layers)
    held_out = {
        f"{side}, chords {'meant' if meant else 'heard'}": rounded(nats(network, getattr(sides, side), meant=meant))
        for side in ("validation", "test")
        for meant in (False, True)
    }
    apart = {"no chords": ("chord",), "no phrases": ("left", "last", *layout.soft, "known")}
    if layout is TUNE:
        held_out["test, cues of the pilot"] = rounded(nats(network, sides.test, meant=False, unknown=PILOT))
    else:
        apart["no tune"] = ("tune", "tune_state", "tune_ahead", "tune_move", "tune_height")
        apart["no bass"] = ("low", "low_state", "low_height")
    for said, names in apart.items():
        held_out[f"test, {said}"] = rounded(without(network, sides.test, *names))
    return {
        "schema": SCHEMA, "what": layout.name, "fields": list(FIELDS.values()), "cues": layout.width,
        "layers": recipe.layers, "heads": HEADS, "context": recipe.context, "recipe": asdict(recipe),
        "corpus": under_way.corpus,
        "works": len(works), "phrases": phrase_tables(works), "nats": held_out,
        "composers": len({work.composer for work in works}), "notes": sum(len(x.choices) for x in sides.train),
        "steps": under_way.steps, "notes_seen": under_way.notes, "seconds": round(seconds, 1),
        "first_loss": round(under_way.first, 4), "last_loss": round(under_way.loss, 4), "torch": torch.__version__,
        "date": str(today or datetime.date.today()),
    }  # fmt: skip


def rounded(found: Mapping[str, float]) -> dict[str, float]:
    return {"sum": round(sum(found.values()), 4), **{name: round(value, 4) for name, value in found.items()}}


def without(network: Any, lines: Sequence[Coded], *names: str) -> dict[str, float]:
    """Nats a note where some cues are taken away altogether."""
    from dataclasses import replace

    def blank(line: Coded) -> Coded:
        cues = line.cues[0].copy()
        for name in names:
            cues[:, line.layout.at[name]] = 0
        heard = line.heard * ("chord" not in names)
        return replace(line, cues=(cues,), heard=heard)

    return nats(network, [blank(line) for line in lines], meant=False)


def is_model(path: Path) -> bool:
    """Whether a path is a file that `save_model` wrote."""
    return holds(path, MEMBER)


MODEL = Kind("a model", is_model)


def save_model(trained: Trained, path: Path, *, force: bool = False) -> None:
    """Write a model as one file, as `composition.decoder.load_decoder` reads it, atomically."""
    pack(path, MEMBER, trained.about, trained.weights, MODEL if force else None)
