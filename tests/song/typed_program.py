"""A program as a user types it, for `mypy --strict` and strict pyright: no line needs a cast. It is never run."""

from pathlib import Path

import numpy as np

import melancholia as mel


def loudest(sound: mel.Audio) -> float:
    return float(np.abs(sound.samples).max())


def program(folder: Path) -> dict[str, float | None]:
    profile: mel.Profile = mel.profile("longing", intensity=0.7)
    piece: mel.Piece = mel.compose(profile, seconds=20, seed=7)
    played = mel.perform(mel.retimed(piece, 0.9), profile, seed=7)
    dry: mel.Stems = mel.render(played, folder=folder / "dry")
    wet = mel.apply(dry, rack="longing", profile=profile)
    names = [f"{name}: {stem.role} by {stem.instrument}" for name, stem in wet.items()]
    mix = mel.mix(wet)
    bussed = mel.bus(mix, rack="longing", profile=profile)
    print(names, loudest(mix), loudest(bussed), bussed.samples.shape)
    in_memory = mel.master(bussed, lufs=-16)
    on_disk = mel.master(bussed, out=folder / "master.flac", force=True)
    again = mel.apply("take.wav", rack="despair", intensity=0.2)
    written = mel.apply(Path("take.wav"), rack="despair", out="wet.wav")
    print(in_memory.samples.dtype, on_disk.notes, on_disk.path, again.seconds, written.mask)
    tempo: mel.TempoMap = played.tempo
    key: mel.Key = played.key
    noise = mel.audio(np.zeros((2, 48_000)), 48_000)
    verdict: mel.Score = mel.score(on_disk, profile)
    print(tempo.bpm, key, noise.channels, [cue.sentence for cue in verdict.cues], verdict.why)
    song: mel.Song = mel.make({"loss": 1.0, "despair": 0.5}, seconds=30, sections={"B": "despair"})
    saved: Path = song.save(folder / "song", force=True)
    read = mel.read_midi(saved / "piece.mid")
    found: mel.Analysis = mel.analyse(song.master)
    loudness: mel.Loudness = mel.measure(song.master)
    return {
        "sadness": verdict.sadness,
        "bright": found.values["brightness"],
        "lufs": loudness.integrated_lufs,
        "notes": float(len(read.notes)),
    }
