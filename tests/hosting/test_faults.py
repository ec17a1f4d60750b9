"""Whatever a plugin does, the job ends in time, with a line that says who, where and what; nothing is left."""

import os
import shutil
import signal
import time

import numpy as np
import psutil
import pytest

import melancholia as mel
from melancholia import racks
from melancholia.audio import audio
from melancholia.hosting import process
from melancholia.hosting.plugin import Hosted, Plugin, PluginError
from melancholia.parallel import in_threads
from tests.children import CLI
from tests.hosting.misbehaviour import FATAL, HARMLESS, wrongs

RATE, MODULE = 48_000, "melancholia.hosting.worker"
RNG = np.random.default_rng(0)
NOISE = audio(RNG.normal(0, 0.1, (2, 3 * RATE)).astype(np.float32), RATE)


pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def chain(tmp_path, zoo):
    def made(kind, more=""):
        path = tmp_path / f"{kind}.toml"
        load_s = 1.5 if kind == "HangOnLoad" else 20
        text = f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo[kind]}"\nload_s = {load_s}\n{more}\n'
        path.write_text(text)
        return path

    return made


def workers():
    """Those of this test."""
    return [p for p in psutil.Process().children(recursive=True) if MODULE in p.cmdline()]


def orphans():
    """What workers started and nobody has ended."""
    left = [p for p in psutil.process_iter(["ppid", "cmdline"]) if p.info["ppid"] == 1]
    return [p for p in left if MODULE in (p.info["cmdline"] or [])]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("CrashOnLoad", "crashed (SIGABRT) in load"),
        ("CrashOnBlock", "crashed (SIGSEGV) in process"),
        ("HangOnLoad", "gave no answer to load in 1.5 s"),
        ("Hang", "gave no answer to process in"),
        ("Exit", "ended with 7 in process"),
        ("Child", "crashed (SIGSEGV) in process"),
        ("NaN", "gives no finite sound from"),
    ],
)
def test_a_fault_is_one_line_and_leaves_nothing(chain, tmp_path, kind, said):
    began = time.monotonic()
    with pytest.raises(PluginError) as caught:
        mel.apply(NOISE, rack=chain(kind), tail_s=0.2, out=tmp_path / "out.wav")
    assert f"{kind} (insert.any 1 of {kind}.toml)" in str(caught.value) and said in str(caught.value)
    assert "\n" not in str(caught.value) and time.monotonic() - began < 10
    assert not workers() and not orphans() and not (tmp_path / "out.wav").exists()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_a_plugin_that_crashes_once_is_tried_again_from_the_start(chain, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_MARK", str(tmp_path / "mark"))
    found = mel.apply(NOISE, rack=chain("CrashOnce"), tail_s=0.2)
    assert (tmp_path / "mark").exists()
    assert np.array_equal(found.samples, mel.apply(NOISE, rack=chain("Gain"), tail_s=0.2).samples)


def test_a_bus_with_a_plugin_is_tried_again_and_ends_it(zoo, tmp_path, monkeypatch):
    path = tmp_path / "bus.toml"
    path.write_text(f'schema = 1\nname = "x"\n[[bus]]\nplugin = "vst3:{zoo["CrashOnce"]}"\nparams = {{ gain = -6 }}\n')
    monkeypatch.setenv("ZOO_MARK", str(tmp_path / "mark"))
    found = mel.bus(NOISE, rack=path).samples
    assert (tmp_path / "mark").exists() and not workers()
    assert found == pytest.approx(NOISE.samples * 10 ** (-6 / 20), abs=1e-6)
    monkeypatch.delenv("ZOO_MARK")
    with pytest.raises(PluginError, match="CrashOnce .bus 1 of bus.toml. crashed"):
        mel.bus(NOISE, rack=path)


def test_a_plugin_that_prints_for_ever_is_drained(chain):
    plain = mel.apply(NOISE, rack=chain("Gain"), tail_s=0.2).samples
    assert np.array_equal(mel.apply(NOISE, rack=chain("Flood"), tail_s=0.2).samples, plain)


def test_a_parent_that_is_killed_leaves_no_worker(chain, tmp_path, children):
    mel.write_audio(tmp_path / "in.wav", NOISE.blocks(), rate=RATE, channels=2)
    child = children.start(*CLI, "apply", "in.wav", "--rack", str(chain("HangOnLoad")), "-o", "out.wav", cwd=tmp_path)
    until = time.monotonic() + 30
    found = []
    while not found and time.monotonic() < until:
        found = [p for p in psutil.Process(child.pid).children(recursive=True) if "worker" in " ".join(p.cmdline())]
        time.sleep(0.02)
    assert found
    time.sleep(0.5)
    child.send(signal.SIGKILL)
    gone, alive = psutil.wait_procs(found, timeout=2)
    assert not alive


def test_a_workers_memory_never_has_a_name(zoo, monkeypatch):
    """Whatever ends us, and whenever, nothing is left of it."""
    opened, really = [], os.open

    def watched(path, flags, *more, **named):
        opened.append((path, flags))
        return really(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", watched)
    worker = process.Worker()
    try:
        mine = [flags for path, flags in opened if str(path).startswith("/dev/shm")]
        assert mine and all(flags & os.O_TMPFILE == os.O_TMPFILE for flags in mine)
        assert worker.ask("names", 5.0, path=str(zoo["Gain"]))["names"] == ["Zoo"]
    finally:
        worker.close()


def test_a_worker_that_cannot_be_started_is_a_line(chain, monkeypatch):
    monkeypatch.setattr(process.sys, "executable", "/nowhere/python")
    with pytest.raises(PluginError, match="Gain .insert.any 1 of Gain.toml. could not be started .No such file"):
        mel.apply(NOISE, rack=chain("Gain"), tail_s=0.2)


def test_a_plugin_that_is_replaced_between_two_files_is_refused(zoo, tmp_path):
    shutil.copytree(zoo["Gain"], tmp_path / "Own.vst3")
    code = next((tmp_path / "Own.vst3").rglob("*.so"))
    code.rename(code.with_name("Own.so"))
    path = tmp_path / "chain.toml"
    path.write_text('schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:Own.vst3"\n')
    rack = racks.rack(path)
    mel.apply(NOISE, rack=rack, tail_s=0)
    (code.with_name("Own.so")).write_bytes(next(zoo["Late"].rglob("Late.so")).read_bytes() + b"\0")
    with pytest.raises(PluginError, match="insert.any 1 of chain.toml. was replaced on the disk"):
        mel.apply(NOISE, rack=rack, tail_s=0)


@pytest.mark.long
def test_many_chains_of_many_plugins_at_once_are_as_one_by_one(zoo, tmp_path):
    path = tmp_path / "four.toml"
    kinds = ("Gain", "Late", "Flood", "Gain")
    path.write_text('schema = 1\nname = "x"\n' + "".join(f'[[bus]]\nplugin = "vst3:{zoo[kind]}"\n' for kind in kinds))
    sounds = [audio(RNG.normal(0, 0.1, (2, RATE)).astype(np.float32), RATE) for _ in range(8)]
    alone = [mel.apply(sound, rack=path, tail_s=0).samples for sound in sounds]
    together = in_threads(lambda sound: mel.apply(sound, rack=path, tail_s=0).samples, sounds, jobs=8)
    assert all(np.array_equal(x, y) for x, y in zip(alone, together, strict=True))
    assert not workers()


def test_a_log_holds_the_last_and_no_more(tmp_path):
    path = tmp_path / "said"
    path.write_bytes(b"begun\n" + b"x" * 99 + b"\n" * 10_000_000 + b"the end\n")
    log = process.Log()
    with path.open("rb", buffering=0) as file:
        log.drain(file)
    assert log.last() == "the end" and log.bytes == path.stat().st_size
    assert sum(map(len, log.rest)) <= 2 * process.KEPT


def test_a_worker_takes_little_memory(zoo):
    with Hosted(Plugin(zoo["Gain"]), RATE, 0.5) as hosted:
        hosted.process(NOISE.samples)
        assert psutil.Process(hosted.worker.process.pid).memory_full_info().uss < 60e6


@pytest.mark.long
@pytest.mark.parametrize("kind", [*FATAL, *HARMLESS])
def test_faults_again_and_again_touch_no_other_file(zoo, tmp_path, kind):
    wrong, seconds = wrongs(zoo, kind, 1 if "Hang" in kind else 4, tmp_path)  # 200 in the soak
    assert not wrong and seconds < 30
    assert not workers()
