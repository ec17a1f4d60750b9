"""The effects that a rack may use, with the range of every parameter (pedalboard checks little).

Most are pedalboard's own, under its names; Impulse, Tape, Tremolo, Width and Duck are ours. `fixed` marks what is
linear and does not change in time: only such effects may stand in a send, for a send is taken as its impulse response.
Left out are effects that cannot be streamed (PitchShift, GSM), that shift in time (limiters, MP3, resampling), and
pedalboard's Limiter, which is none, and its Convolution, which sets its own level and rings no longer than its input.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """Range of one parameter; `log`: it moves by equal ratios."""

    low: float
    high: float
    unit: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect: its parameters, whether it is linear and fixed in time, and whether they can move (its mix can)."""

    parameters: dict[str, Parameter]
    fixed: bool = False
    moves: bool = True


HZ = Parameter(20, 20_000, "Hz", True)
DB = Parameter(-60, 24, "dB")
SHARE = Parameter(0, 1)
MS = Parameter(0.1, 5000, "ms", True)
Q = Parameter(0.1, 18, "", True)

EFFECTS: dict[str, Effect] = {
    "Gain": Effect({"gain_db": DB}, fixed=True),
    "Invert": Effect({}, fixed=True),
    "LowpassFilter": Effect({"cutoff_frequency_hz": HZ}, fixed=True),
    "HighpassFilter": Effect({"cutoff_frequency_hz": HZ}, fixed=True),
    "LowShelfFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "HighShelfFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "PeakFilter": Effect({"cutoff_frequency_hz": HZ, "gain_db": DB, "q": Q}, fixed=True),
    "Reverb": Effect(
        {
            "room_size": SHARE,
            "damping": SHARE,
            "wet_level": SHARE,
            "dry_level": SHARE,
            "width": SHARE,
        },
        fixed=True,
    ),
    "Delay": Effect(
        {"delay_seconds": Parameter(0.001, 5, "s", True), "feedback": Parameter(0, 0.9), "mix": SHARE}, fixed=True
    ),
    "Chorus": Effect(
        {
            "rate_hz": Parameter(0.01, 20, "Hz", True),
            "depth": SHARE,
            "centre_delay_ms": Parameter(1, 100, "ms", True),
            "feedback": Parameter(0, 0.9),
            "mix": SHARE,
        }
    ),
    "Phaser": Effect(
        {
            "rate_hz": Parameter(0.01, 20, "Hz", True),
            "depth": SHARE,
            "centre_frequency_hz": HZ,
            "feedback": Parameter(0, 0.9),
            "mix": SHARE,
        }
    ),
    "LadderFilter": Effect({"cutoff_hz": HZ, "resonance": Parameter(0, 0.95), "drive": Parameter(1, 20)}),
    "Compressor": Effect(
        {"threshold_db": Parameter(-60, 0, "dB"), "ratio": Parameter(1, 50), "attack_ms": MS, "release_ms": MS}
    ),
    "NoiseGate": Effect(
        {"threshold_db": Parameter(-100, 0, "dB"), "ratio": Parameter(1, 50), "attack_ms": MS, "release_ms": MS}
    ),
    "Distortion": Effect({"drive_db": Parameter(0, 60, "dB")}),
    "Clipping": Effect({"threshold_db": Parameter(-40, 0, "dB")}),
    "Bitcrush": Effect({"bit_depth": Parameter(2, 32, "bits")}),
    "Impulse": Effect(
        {"gain_db": DB, "predelay_ms": Parameter(0, 500, "ms"), "decay": Parameter(0.1, 1)}, fixed=True, moves=False
    ),
    "Tape": Effect(
        {
            "wow_cents": Parameter(0, 40, "cents"),
            "wow_hz": Parameter(0.1, 3, "Hz", True),
            "flutter_cents": Parameter(0, 15, "cents"),
            "flutter_hz": Parameter(4, 20, "Hz", True),
            "drive_db": Parameter(-24, 24, "dB"),
            "cutoff_frequency_hz": Parameter(1000, 20_000, "Hz", True),
        }
    ),
    "Tremolo": Effect(
        {
            "rate_hz": Parameter(0.05, 12, "Hz", True),
            "depth": SHARE,
            "phase_degrees": Parameter(-180, 180, "degrees"),
        }
    ),
    "Duck": Effect(
        {
            "threshold_db": Parameter(-80, 0, "dB"),
            "ratio": Parameter(1, 50),
            "depth_db": Parameter(0, 48, "dB"),
            "attack_ms": MS,
            "release_ms": MS,
        },
        moves=False,
    ),
    "Width": Effect({"width": Parameter(0, 2)}, fixed=True),
}
