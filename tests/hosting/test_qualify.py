"""What is found out about a plugin before it is trusted, and what is made of it."""

import json
import shlex
import shutil
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import numpy as np
import pytest
from filelock import FileLock

import melancholia as mel
from melancholia.audio import audio
from melancholia.cli import run
from melancholia.hosting import bundles, qualification, rates, reports
from melancholia.hosting.plugin import Plugin, PluginError
from tests.children import CLI

pytestmark = pytest.mark.usefixtures("impatient", "brief")
RATE = 48_000


@pytest.fixture
def here(zoo, tmp_path, monkeypatch):
    """A folder where some of the zoo lie."""
    (tmp_path / "vst3").mkdir()
    for kind in ("Gain", "Late", "Lying", "Shell", "CrashOnBlock"):
        (tmp_path / "vst3" / f"{kind}.vst3").symlink_to(zoo[kind])
    monkeypatch.setitem(bundles.FOLDERS, "linux", (str(tmp_path / "vst3"),))
    return tmp_path / "vst3"


@pytest.mark.parametrize(("kind", "verdict", "why", "check"), [
    ("Gain", "good", "", None),
    ("Late", "good", "", "latency"),
    ("Clock", "refused", "is not repeatable: the same sound twice differs by -", "repeatable"),
    ("Lying", "refused", "says it is 256 frames late, and is 0", "latency"),
    ("NaN", "refused", "gives no finite sound of noise", "finite"),
    ("Leak", "limited", "MB more memory a minute", "manners"),
    ("Flood", "limited", "prints", "manners"),
    ("CrashOnLoad", "quarantined", "could not be asked what is in it: crashed (SIGABRT) in names", None),
    ("CrashOnBlock", "quarantined", "crashed (SIGSEGV) in process", None),
    ("HangOnLoad", "quarantined", "could not be asked what is in it: gave no answer to names in 3 s", None),
    ("Hang", "quarantined", "gave no answer to process in", None),
    ("Exit", "quarantined", "ended with 7", None),
])  # fmt: skip
def test_each_fault_is_found_and_named(zoo, monkeypatch, kind, verdict, why, check):
    """By all checks, or by one, which may be the last of many."""
    if check is not None:
        only(monkeypatch, "load", check)
    report = qualification.qualify(zoo[kind], load_s=3.0)
    assert report.verdict == verdict and why in report.why
    assert reports.known(zoo[kind]) == report


def only(monkeypatch, *checks):
    monkeypatch.setattr(qualification, "CHECKS", {name: qualification.CHECKS[name] for name in checks})


def test_debians_convolver_that_never_convolves_is_refused(zam, monkeypatch):
    only(monkeypatch, "load", "repeatable", "knobs")
    report = qualification.qualify(zam / "ZamHeadX2.vst3")
    assert report.verdict == "refused" and "gives back what it gets, whatever is set" in report.why


def test_a_plugin_that_keeps_what_it_was_played_starts_anew_all_the_same(zam):
    trial = qualification.Trial(Plugin(zam / "ZamTube.vst3"))
    given = qualification.noise(0.5)
    sounds = [trial.sound(given) for _ in range(8)]  # a third were others before its instance was made anew
    assert all(np.array_equal(sound, sounds[0]) for sound in sounds)


def test_what_depends_on_the_size_of_blocks_is_said(zam, monkeypatch):
    only(monkeypatch, "load", "repeatable", "blocks")
    report = qualification.qualify(zam / "ZamDelay.vst3")
    assert (
        report.verdict == "limited" and "in blocks of other sizes" in report.why and "here they have 256" in report.why
    )


def test_the_verdict_is_on_the_code_and_not_on_the_name(zoo, tmp_path):
    own = tmp_path / "own" / "Gain.vst3"
    shutil.copytree(zoo["Gain"], own)
    assert reports.known(own) is None
    kept = reports.Report("Gain", str(own), reports.code_hash(own), "refused", (reports.Check("x", "fails", "is bad"),))
    reports.keep(kept, None)
    assert reports.known(own) == kept == reports.known(zoo["Gain"])
    code = next(own.rglob("*.so"))
    code.write_bytes(code.read_bytes() + b"\0")
    assert reports.known(own) is None


TRY = "import sys; from melancholia.hosting import qualify; qualify(sys.argv[1])"


def until_it_is_tried(path):
    until = time.monotonic() + 30
    mark = reports.mark_of(reports.code_hash(path), None)
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert mark.exists()


def test_who_takes_the_house_down_is_in_quarantine_and_who_is_on_trial_is_not(zoo, tmp_path, children):
    good = reports.Report("Gain", "", reports.code_hash(zoo["Gain"]), "good")
    reports.keep(good, None)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    child = children.start(sys.executable, "-c", TRY, zoo["Gain"], env=env)
    until_it_is_tried(zoo["Gain"])
    assert reports.known(zoo["Gain"]) == good
    child.send(signal.SIGKILL)
    child.wait(10)
    report = reports.known(zoo["Gain"])
    assert report.verdict == "quarantined" and report.why == "its qualification did not come to an end"
    assert qualification.qualify(zoo["Gain"]).verdict == "good" == reports.known(zoo["Gain"]).verdict


def test_a_trial_is_over_when_the_lock_is_free_though_that_takes_a_moment(zoo):
    report = reports.Report("Gain", "", reports.code_hash(zoo["Gain"]), "quarantined")
    reports.keep(replace(report, verdict="good"), None)
    mark = reports.mark_of(report.sha256, None)
    mark.write_text(json.dumps(asdict(report)))
    held, known = threading.Event(), threading.Event()

    def go_on(seconds):
        with FileLock(reports.lock_of(report.sha256)):
            held.set()
            known.wait(seconds)

    for seconds, verdict in ((0.02, "quarantined"), (30.0, "good")):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(go_on, seconds)
            assert held.wait(30)
            assert reports.known(zoo["Gain"]).verdict == verdict
            known.set()
        held.clear()
        known.clear()


def test_an_interrupt_is_no_verdict(zoo, tmp_path, children):
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    child = children.start(*CLI, "plugins", "qualify", zoo["Gain"], "-q", env=env)
    until_it_is_tried(zoo["Gain"])
    child.send(signal.SIGINT)
    assert child.wait(10).returncode == 130
    assert reports.known(zoo["Gain"]) is None


def test_what_is_advised_can_be_done(zoo, here, tmp_path):
    assert "qualify Gain says" in reports.warning(here / "Gain.vst3", None, "Gain")
    (tmp_path / "my plugins").mkdir()
    (tmp_path / "my plugins" / "Shell.vst3").symlink_to(zoo["Shell"])
    said = reports.warning(tmp_path / "my plugins" / "Shell.vst3", "Zoo Two", "Zoo Two")
    command = said[said.index("melancholia plugins") :].removesuffix(" says what it does")
    assert run([*shlex.split(command)[1:], "-q"]) == 0
    assert reports.warning(tmp_path / "my plugins" / "Shell.vst3", "Zoo Two", "Zoo Two") == ""


def test_a_damaged_note_is_no_note(zoo):
    reports.keep(reports.Report("Gain", "", reports.code_hash(zoo["Gain"]), "good"), None)
    assert reports.known(zoo["Gain"]) is not None
    note = reports.note_of(reports.code_hash(zoo["Gain"]), None)
    for text in (
        "{",
        "[]",
        '{"format": 99}',
        '{"format": 1, "checks": [{}]}',
        note.read_text().replace('"format": 1', '"format": 2'),
    ):
        note.write_text(text)
        assert reports.known(zoo["Gain"]) is None


def test_where_it_does_not_run_at_a_rate_it_runs_at_the_next(zoo):
    def found(rate, well, ill):
        facts = {"rates": well, "not_rates": ill}
        kept = reports.Report("Gain", "", reports.code_hash(zoo["Gain"]), "limited", facts=facts)
        reports.keep(kept, None)
        return rates.own_rate(Plugin(zoo["Gain"]), rate)

    assert found(96_000, [44_100, 48_000], [88_200, 96_000]) == 48_000
    assert found(44_100, [48_000, 96_000], [44_100]) == 48_000
    assert found(44_100, [44_100], []) == 44_100
    assert found(22_050, [44_100], [48_000]) == 22_050  # nobody asked
    assert rates.own_rate(Plugin(zoo["Gain"], rate=96_000), 44_100) == 96_000


def test_a_bundle_may_hold_several(zoo, tmp_path):
    path = tmp_path / "x.toml"
    assert qualification.names(zoo["Shell"]) == ("Zoo", "Zoo Two")
    sound = audio(np.full((2, 4096), 0.1, np.float32), RATE)
    text = f'schema = 1\nname = "x"\n[[insert.any]]\nplugin = "vst3:{zoo["Shell"]}"\n'
    path.write_text(text + 'name = "Zoo Two"\nparams = { gain = -6 }\n')
    assert mel.apply(sound, rack=path, tail_s=0).samples == pytest.approx(sound.samples * 10 ** (-6 / 20), abs=1e-6)
    path.write_text(text)
    with pytest.raises(
        mel.InputError,
        match="Shell .insert.any 1 of x.toml. holds 2 plugins; allowed: one of them by name, Zoo, Zoo Two",
    ):
        mel.apply(sound, rack=path, tail_s=0)
    path.write_text(text + 'name = "Zoo Too"\n')
    with pytest.raises(mel.InputError, match="Shell .* holds no plugin 'Zoo Too'.*Did you mean 'Zoo Two'"):
        mel.apply(sound, rack=path, tail_s=0)
    path.write_text(text.replace("Shell", "Gain") + 'name = "Another"\n')
    with pytest.raises(mel.InputError, match="Gain .* holds no plugin 'Another'; known: Zoo"):
        mel.apply(sound, rack=path, tail_s=0)


def test_the_command_line_scans_shows_and_qualifies(here, capsys, tmp_path):
    assert run(["plugins", "scan"]) == 0
    said = capsys.readouterr().out
    assert f"\nShell: Zoo Two  {here / 'Shell.vst3'}  not qualified\n" in said
    assert f"Gain            {here / 'Gain.vst3'}" in said
    assert run(["plugins", "qualify", "Gain", "-q"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Gain: good\n")
    assert "  ok     latency     is 0 frames late, as it says\n" in said
    assert run(["plugins", "show", "Gain"]) == 0
    said = capsys.readouterr().out
    assert said.startswith('plugin = "vst3:Gain"\n  gain  -60 to 24 dB  now 0\n') and said.endswith("good\n")
    assert run(["plugins", "show", "Gain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parameters"][0]["name"] == "gain" and told["report"]["verdict"] == "good"
    assert run(["plugins", "qualify", "CrashOnBlock", "--json", "-q"]) == 1
    caught = capsys.readouterr()
    assert (
        json.loads(caught.out)[0]["verdict"] == "quarantined" and "1 of 1 not fit for work: CrashOnBlock." in caught.err
    )
    mel.write_audio(tmp_path / "in.wav", [np.zeros((2, 4800), np.float32)], rate=RATE, channels=2)
    for kind in ("Lying", "Gain"):
        (tmp_path / f"{kind}.toml").write_text(f'schema = 1\nname = "x"\n[[bus]]\nplugin = "vst3:{kind}"\n')
        out = str(tmp_path / f"{kind}.wav")
        assert run(["apply", str(tmp_path / "in.wav"), "--rack", str(tmp_path / f"{kind}.toml"), "-o", out]) == 0
        assert ("Lying is not qualified; melancholia plugins qualify Lying" in capsys.readouterr().err) == (
            kind == "Lying"
        )


def test_a_wrong_knob_is_said_once_for_many_files(here, tmp_path, capsys):
    path = tmp_path / "x.toml"
    path.write_text('schema = 1\nname = "x"\n[[bus]]\nplugin = "vst3:Gain"\nparams = { gain = 99 }\n')
    for name in ("a.wav", "b.wav"):
        mel.write_audio(tmp_path / name, [np.zeros((2, 4800), np.float32)], rate=RATE, channels=2)
    files = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    assert run(["apply", *files, "--rack", str(path), "-o", str(tmp_path / "wet")]) == 2
    assert capsys.readouterr().err.count("gain is 99; allowed: -60 to 24") == 1


@pytest.mark.parametrize(("args", "said"), [
    (["scan", "nowhere"], "nowhere is no folder"),
    (["show", "Gian"], "Did you mean 'Gain'"),
    (["show", "~nobody-here/x.vst3"], "does not exist"),
    (["show", "Gain", "--name", "Other"], "holds no plugin 'Other'"),
    (["show", "Gain", "--state", "none"], "none does not exist"),
    (["qualify"], "allowed: the names or paths of plugins, or --all"),
    (["qualify", "Shell", "--name", "Zoo Too"], "Did you mean 'Zoo Two'"),
    (["qualify", "Gain", "Late", "--name", "Zoo"], "--name belongs to one bundle"),
])  # fmt: skip
def test_a_wrong_call_is_one_line(here, capsys, args, said):
    assert run(["plugins", *args]) == 2
    caught = capsys.readouterr()
    assert said in caught.err and len(caught.err.splitlines()) == 1 and not caught.out


def test_scanning_survives_what_crashes_as_it_is_opened(zoo, tmp_path, monkeypatch, capsys):
    def broken(worker, do, within_s, **request):
        raise qualification.Died("crashed (SIGSEGV) in names")

    with monkeypatch.context() as patch:
        patch.setattr(qualification.Worker, "ask", broken)
        for _ in range(2):
            with pytest.raises(PluginError, match="Gain could not be asked what is in it: crashed"):
                qualification.names(zoo["Gain"])
            patch.setattr(qualification, "Worker", None)  # it is not asked again
    assert reports.known(zoo["Gain"]).verdict == "quarantined"
    (tmp_path / "Mac.vst3" / "Contents" / "MacOS").mkdir(parents=True)
    assert run(["plugins", "scan", str(tmp_path)]) == 0
    assert "Mac" in (out := capsys.readouterr().out) and "is made for MacOS" in out


def test_a_folder_without_plugins_says_so(children, tmp_path):
    done = children.run(*CLI, "plugins", "scan", tmp_path)
    assert (done.returncode, done.stdout) == (0, "") and "no plugins in" in done.stderr
