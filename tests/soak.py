"""Long counts, into tests/RESULTS.md between its marks.

    python -m tests.soak [interrupts] [kills] [batch] [hostile] [faults] [plugins] [music] [steady] [long]
        [judge]

All when none is named: 200 interrupts under load; 30 kills; a batch of 300 files killed 20 times, one of 500 corrupt
files, one onto a disk that fills; 60 damaged MIDI files; 200 calls through each plugin that misbehaves; every plugin of
Debian at every rate and layout; two hours of orchestral music measured and mastered (Debian's wesnoth-1.16-music); the
fast half of the suite twenty times in a row; the tests that are too long for it; fresh pieces of every mood, judged.
Exit 1 when an interrupt went wrong or a run was red.
"""

import datetime
import re
import shutil
import sys
import tempfile
import time
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pyebur128

from melancholia import batch
from melancholia.audio import audio
from melancholia.encoding import write_audio
from melancholia.hosting import process
from melancholia.hosting.plugin import Hosted, Plugin
from melancholia.hosting.qualification import qualify
from melancholia.mastering import deliver, measure, plan_master
from melancholia.profile import moods
from melancholia.racks import apply
from melancholia.recordings import Recording, recording
from tests import interrupts
from tests.batch import corrupt, full_disk
from tests.batch.kills import killed
from tests.benchmarks.bench_mastering import heard
from tests.children import CLI, Children
from tests.hostile_midi import hostile as hostile_file
from tests.hosting.misbehaviour import FATAL, HARMLESS, wrongs
from tests.hosting.zoo import built
from tests.judge import collect, judge

LONGEST_RENDER_S, LARGEST_GB = 30.0, 2.0
BATCH_FILES, BATCH_KILLS, CORRUPT = 300, 20, 500
CALLS, GIGABYTE = 200, 1e9  # through each plugin that misbehaves
RESULTS = Path(__file__).with_name("RESULTS.md")
INTERRUPTS, KILLS, HOSTILE, RUNS, SEEDS = 200, 30, 60, 20, "7000-7019"
SLOW = (  # what makes songs, or pieces by the dozen, or waits: most of the suite's time
    "tests/cli/test_interrupts.py",
    "tests/cli/test_listening.py",
    "tests/composition/test_aims.py",
    "tests/composition/test_compose.py",
    "tests/composition/test_contract.py",
    "tests/composition/test_course.py",
    "tests/composition/test_moods.py",
    "tests/composition/test_textures.py",
    "tests/composition/test_theme.py",
    "tests/analysis/test_analyse.py",
    "tests/analysis/test_first_use.py",
    "tests/batch/test_command.py",
    "tests/examples",
    "tests/instruments/test_contract.py",
    "tests/racks/test_racks.py",
    "tests/song",
    "tests/test_ci.py",
)


def long() -> list[str]:
    """The tests that `make test` leaves out."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--max-worker-restart", "0"]
        done = Children(Path(home) / "children").run(*command, "-m", "long", timeout=1800)
    last = (done.stdout.strip().splitlines() or ["nothing"])[-1]
    return [f"- long tests: {last}", *([] if done.returncode == 0 else [f"  wrong: {done.stdout[-2000:]}"])]


def steady() -> list[str]:
    """The fast half of the suite, again and again."""
    said, green = [], 0
    with tempfile.TemporaryDirectory() as home:
        children = Children(Path(home) / "children")
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--max-worker-restart", "0"]
        for number in range(RUNS):
            done = children.run(*command, *(f"--ignore={path}" for path in SLOW), timeout=1200)
            green += done.returncode == 0
            said += [
                f"  wrong: run {number + 1}: {line}" for line in re.findall("^(?:FAILED|ERROR).*", done.stdout, re.M)
            ]
            print(f"run {number + 1}: {done.stdout.splitlines()[-1]}", flush=True)
    return [f"fast half of the suite: {green} of {RUNS} runs in a row green", *said]


def hostile() -> list[str]:
    """Damaged MIDI files through the command line: each is played, or refused in one line, in its time and memory."""
    said, slowest, largest, played = [], 0.0, 0.0, 0
    seed = int(np.random.default_rng().integers(2**31))
    with tempfile.TemporaryDirectory() as home:
        children = Children(Path(home) / "children")
        for number in range(HOSTILE):
            path = Path(home) / f"{number}.mid"
            path.write_bytes(hostile_file(seed + number))
            began = time.monotonic()
            child = children.start(*CLI, "render", path, "-o", Path(home) / f"{number}")
            most = 0.0
            while child.process.poll() is None and time.monotonic() - began < LONGEST_RENDER_S:
                with suppress(psutil.Error):
                    most = max(most, psutil.Process(child.pid).memory_info().rss / 2**30)
                time.sleep(0.02)
            took = time.monotonic() - began
            child.kill()
            done = child.wait()
            lines = done.stderr.splitlines()
            good = done.returncode == 0 or done.returncode == 2 and len(lines) == 1
            if not good or "fault of ours" in done.stderr or took > LONGEST_RENDER_S or most > LARGEST_GB:
                how = f"exit {done.returncode}, {took:.0f} s, {most:.1f} GB, {lines[:2]}"
                said.append(f"  wrong: file {seed + number}: {how}")
            slowest, largest, played = max(slowest, took), max(largest, most), played + (done.returncode == 0)
            shutil.rmtree(Path(home) / f"{number}", ignore_errors=True)
        said += [f"  wrong: left running: {name}" for name in children.end()]
    head = f"{HOSTILE} damaged MIDI files (seed {seed}): {played} played, {HOSTILE - played} refused in a line"
    return [f"{head}, slowest {slowest:.1f} s, largest {largest:.2f} GB, {len(said)} wrong", *said]


def faults() -> list[str]:
    """Plugins that misbehave, each beside one that is well; and one that prints a gigabyte."""
    said = []
    process.BLOCK_S, process.TIMES = 2.0, 0.5
    with tempfile.TemporaryDirectory() as home:
        zoo = built(Path(home))
        for kind in (*FATAL, *HARMLESS):
            wrong, seconds = wrongs(zoo, kind, CALLS, Path(home))
            said += [f"{CALLS} calls through {kind}: {len(wrong)} wrong, {seconds:.0f} s"]
            said += [f"  wrong: {line}" for line in wrong[:5]]
        before, printed = time.monotonic(), 0
        with Hosted(Plugin(zoo["Flood"]), 48_000, 0.0) as hosted:
            while printed < GIGABYTE:
                hosted.process(np.zeros((2, 65_536), np.float32))
                printed = hosted.worker.log.bytes
            kept = sum(map(len, hosted.worker.log.rest))
        said += [
            f"a plugin that printed {printed / 1e9:.1f} GB in {time.monotonic() - before:.0f} s: {kept} bytes kept"
        ]
    left = [child.pid for child in psutil.Process().children(recursive=True)]
    return [*said, *([f"  wrong: left running: {left}"] if left else [])]


def batches() -> list[str]:
    """A batch that is killed, one of corrupt files, one onto a full disk."""
    seed = int(np.random.default_rng().integers(2**31))
    said = []
    tries = {
        f"{BATCH_KILLS} kills of a batch of {BATCH_FILES} files, half of them of one of its workers (seed {seed})": (
            lambda children, home: killed(children, home, files=BATCH_FILES, kills=BATCH_KILLS, seed=seed)
        ),
        f"{CORRUPT} corrupt files through a batch (seed {seed})": (
            lambda children, home: corrupt.wrongs(children, home, CORRUPT, seed)
        ),
        "a batch onto a disk that fills, is freed, fills for good, and is freed": full_disk.wrongs,
    }
    for what, work in tries.items():
        with tempfile.TemporaryDirectory() as home:
            children, began = Children(Path(home) / "children"), time.monotonic()
            (folder := Path(home) / "work").mkdir()
            wrong = work(children, folder) + [f"left running: {name}" for name in children.end()]
        said += [f"{what}: {len(wrong)} wrong, {time.monotonic() - began:.0f} s"]
        said += [f"  wrong: {line}" for line in wrong[:9]]
    return said


def debians() -> list[str]:
    """Every plugin of Debian on one, two and six channels at three rates, and by a batch; what qualification says."""
    said = []
    for path in sorted(Path("/usr/lib/vst3").glob("*.vst3")):
        with tempfile.TemporaryDirectory() as home:
            chain = Path(home) / "chain.toml"
            chain.write_text(f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{path}"\n', encoding="utf-8")
            bad = []
            for rate in (44_100, 48_000, 96_000):
                for channels in (1, 2, 6):
                    sound = audio(np.random.default_rng(0).normal(0, 0.1, (channels, rate)).astype(np.float32), rate)
                    found = apply(sound, rack=chain, tail_s=0.1).samples
                    if found.shape[0] != channels or not np.isfinite(found).all() or not found.std() > 1e-3:
                        bad.append(f"{channels} at {rate}")
            take = Path(home) / "in" / "take.wav"
            take.parent.mkdir()
            write_audio(take, sound.blocks(), rate=rate, channels=channels)
            jobs = batch.masters(take, rack=chain, unqualified=True)
            if batch.run(jobs, Path(home) / "out", at_once=1).done != 1:
                bad.append("by batch")
            said += [f"{path.stem}: {9 - len(bad)} of 9; {qualify(path)}", *(f"  wrong: {where}" for where in bad)]
    return said


def music() -> list[str]:
    """The meter and the master on full-length stereo music (Debian's wesnoth-1.16-music, orchestral), by other meters.

    Loudness and range are read by libebur128, true peaks by scipy at eight times the rate.
    """
    files = sorted(Path("/usr/share/games/wesnoth/1.16/data/core/music").glob("*.ogg"))
    if not files:
        return ["  wrong: no music is there; apt-get install wesnoth-1.16-music"]
    said, meter, off, peaks, spread, seconds = [], [], [], [], [], 0.0
    with tempfile.TemporaryDirectory() as home:
        for file in files:
            sound = recording(file)
            loud, span = by_libebur128(sound)
            seconds += sound.seconds
            meter.append(abs(measure(sound).integrated_lufs - loud))
            plan = plan_master(sound, lufs=-16)
            made = deliver(sound, plan, Path(home) / "out.wav", ceiling_dbtp=-1, force=True)
            found = heard(made.recording.path)
            off.append(abs(found[0] - made.plan.reached_lufs))
            peaks.append(found[2])
            if plan.reduction_db <= 3:
                spread.append(abs(found[1] - span))
            if meter[-1] > 0.1 or off[-1] > 0.1 or peaks[-1] > -0.95 or (plan.reduction_db <= 3 and spread[-1] > 0.5):
                said.append(f"  wrong: {file.name}: {meter[-1]:.3f} {off[-1]:.3f} {peaks[-1]:.2f} {spread[-1:]}")
    return [
        f"{len(files)} recordings, {seconds / 60:.0f} minutes: the meter is at most {max(meter):.3f} LU off libebur128",
        f"masters to -16 LUFS: at most {max(off):.3f} LU off what was said, true peak at most {max(peaks):.2f} dBTP",
        f"loudness range of the {len(spread)} that need up to 3 dB of limiting: at most {max(spread):.2f} LU another",
        *said,
    ]


def by_libebur128(sound: Recording) -> tuple[float, float]:
    """Integrated loudness and range."""
    modes = pyebur128.MeasurementMode
    state = pyebur128.R128State(sound.channels, sound.rate, modes.MODE_I | modes.MODE_LRA)
    for block in sound.blocks():
        state.add_frames(np.ascontiguousarray(block.T).astype(np.float64).ravel(), block.shape[1])
    return pyebur128.get_loudness_global(state), pyebur128.get_loudness_range(state)


def judged() -> list[str]:
    """How many fresh pieces match, and how their twins fare."""
    options = Namespace(
        seeds=SEEDS,
        moods=list(moods()),
        intensities=[0.7],
        seconds=60.0,
        twins=True,
        every_intensity=False,
        jobs=2,
        output=None,
    )
    rates = judge(collect(options))
    said = [f"Seeds {SEEDS}, intensity 0.7, 60 s.", "", "| what | rate |", "|---|---|"]
    return said + [f"| {name} | {rate:.2f} |" for name, rate in rates.items() if isinstance(rate, float)]


COUNTS = {
    "interrupts": lambda: interrupts.lines(INTERRUPTS),
    "kills": lambda: interrupts.kill_lines(KILLS),
    "batch": batches,
    "hostile": hostile,
    "faults": faults,
    "plugins": debians,
    "music": music,
    "steady": steady,
    "long": long,
    "judge": judged,
}


def keep(name: str, lines: list[str]) -> None:
    """Put what a count said between its marks."""
    start, end = f"<!-- soak {name}: start -->", f"<!-- soak {name}: end -->"
    before, _, after = RESULTS.read_text(encoding="utf-8").partition(start)
    after = after.partition(end)[2]
    text = "\n".join([start, f"{datetime.date.today()}", "", *lines, end])
    RESULTS.write_text(before + text + after, encoding="utf-8")


def main(names: list[str]) -> int:
    wrong = False
    for name in names or COUNTS:
        lines = COUNTS[name]()
        keep(name, lines)
        print(*lines, sep="\n", flush=True)
        wrong = wrong or any(line.startswith("  wrong") for line in lines)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
