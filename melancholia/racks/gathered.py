"""What comes out of a rack, block by block: in memory, or streamed into a file that can hold it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from melancholia.audio import Audio, Samples, Source
from melancholia.channels import mask_of
from melancholia.encoding import AUDIO, encode, encoding, fitted, unsaid, written
from melancholia.files import check_output, writing
from melancholia.metadata import carried
from melancholia.recordings import Recording

LONGEST_FADE_S = 3.0  # of the last tenth of a tail

Progress = Callable[[float, str], None]


def gathered(
    made: Callable[[], Iterator[Samples]],
    sound: Source,
    channels: int,
    tail_s: float,
    out: Path | str | None,
    progress: Progress | None,
    *,
    format_: str | None = None,
    force: bool = False,
    carry: bool = False,
) -> Audio | Recording:
    """Blocks as an Audio, or streamed into a file.

    `made` may be asked twice: where the file cannot hold what goes over full scale, all of it is turned down. With
    `carry`, what the source says of itself (tags, chunks) goes with it.
    """
    tail = int(round(tail_s * sound.rate))
    total, fade = sound.frames + tail, min(tail // 10, int(LONGEST_FADE_S * sound.rate))
    peak = 0.0

    def told(gain: float) -> Iterator[Samples]:
        nonlocal peak
        done = 0
        for block in made():
            peak = max(peak, float(np.abs(block).max(initial=0.0)))
            left = total - done - np.arange(block.shape[1])
            done += block.shape[1]
            if progress is not None:
                progress(done / total, "effects")
            if fade and left[-1] <= fade:  # what still rings is let go
                block = np.asarray(block * np.clip((left - 1) / fade, 0, 1), np.float32)
            yield block if gain == 1 else np.asarray(block * np.float32(gain))

    if out is None:
        samples = np.empty((channels, total), np.float32)
        at = 0
        for block in told(1.0):
            samples[:, at : at + block.shape[1]] = block
            at += block.shape[1]
        return Audio(samples, sound.rate)
    out = Path(out)
    over = AUDIO if force else None
    check_output(out, *((sound.path,) if isinstance(sound, Recording) else ()), over=over)
    kind = fitted(encoding(out, format_=format_), out, rate=sound.rate, channels=channels, frames=total)
    mask = mask_of(sound) if channels == sound.channels else 0
    notes = unsaid(kind, mask, channels)
    with writing(out, over=over) as part:
        frames = encode(part, told(1.0), kind, rate=sound.rate, channels=channels, mask=mask)
        if kind.bounded and peak > 1:
            down = np.nextafter(np.float32(1 / peak), np.float32(0))
            frames = encode(part, told(float(down)), kind, rate=sound.rate, channels=channels, mask=mask)
            notes += (
                f"turned down by {-20 * np.log10(down):.1f} dB: {kind.format} cannot hold what is over full scale",
            )
        if carry:
            notes += carried(sound, part)
    return written(out, kind, rate=sound.rate, channels=channels, frames=frames, notes=notes)
