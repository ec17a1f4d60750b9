"""The page in a real browser: what it shows at two widths, and what its player lets one hear."""

import os
import re
import shutil
import sys

import numpy as np
import pytest

from melancholia.audio import audio
from melancholia.encoding import write_audio
from melancholia.midi import save_midi
from melancholia.piece import Note, Part, Piece, Section, TempoMap
from melancholia.report import write_report

RATE, SECONDS = 48_000, 20.0
TONES = {"01-melody-cello": 440.0, "02-harmony-felt_piano": 1500.0, "03-bass-sub_bass": 1500.0}  # the last: upside down
DRY_HZ, MASTER_HZ, LATE_HZ = 5000.0, 3000.0, 2500.0  # the master's second half is another tone
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
NAMES = ("chromium", "chromium-browser", "google-chrome")
EAR = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to === this.context.destination) {
    if (!window.ear) { window.ear = this.context.createAnalyser(); ear.fftSize = 8192; ear.smoothingTimeConstant = 0; }
    connect.call(this, window.ear);
  }
  return connect.call(this, to, ...rest);
};
"""
LEVELS = """(hertz) => {
  const bins = new Float32Array(ear.frequencyBinCount);
  ear.getFloatFrequencyData(bins);
  const about = (hz) => bins.slice(Math.round(hz * ear.fftSize / ear.context.sampleRate) - 2).slice(0, 5);
  return hertz.map((hz) => Math.max(...about(hz)));
}"""


def tone(hertz, level):
    return audio(level * np.sin(2 * np.pi * hertz * np.arange(round(SECONDS * RATE)) / RATE), RATE)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """The folder of a song whose stems are tones, with its page."""
    folder = tmp_path_factory.mktemp("song")
    for number, (name, hertz) in enumerate(TONES.items()):
        for side, at in (("wet", hertz), ("dry", DRY_HZ)):
            path = folder / "stems" / side / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_audio(path, tone(at, -0.2 if number == 2 else 0.2).blocks(), rate=RATE, channels=1)
    first, second = (np.array_split(tone(hertz, 0.4).samples, 2, axis=1) for hertz in (MASTER_HZ, LATE_HZ))
    master = audio(np.concatenate([first[0], second[1]], axis=1), RATE)
    write_audio(folder / "master.wav", master.blocks(), rate=RATE, channels=1)
    parts = [
        Part(
            name, name.split("-")[1], name.split("-")[2], tuple(Note(i, 0.9, 48 + 7 * i, 40 + 20 * i) for i in range(4))
        )
        for name in TONES
    ]
    tempo = TempoMap(((0, 900_000), (2, 1_100_000)))
    save_midi(Piece(tuple(parts), tempo, sections=(Section("A", 0, 1),)), folder / "piece.mid")
    cues = [
        {"name": name, "value": value, "unit": "index", "target": target, "match": match, "weight": 0.1,
         "sentence": f"What is said of <b>{name}</b>, in a sentence that is long enough for two lines on a phone."}
        for name, value, target, match in (("mode", 0.1, [0.0, 2], 1.0), ("event_rate", 9.0, [0.5, 1.0], 0.0),
                                           ("x" * 40, 1234.5, None, None))
    ]  # fmt: skip
    sections = [
        {"name": "A", "start": 0.0, "end": 3.0, "sadness": 0.6},
        {"name": "</style>", "start": 3.0, "end": 8.0, "sadness": None},
        {"name": "interlude", "start": 8.0, "end": 8.4, "sadness": 0.5},
        {"name": "A'", "start": 8.4, "end": 25.0, "sadness": 0.5},
    ]
    score = {
        "mood": "longing <script>alert(1)</script>", "intensity": 0.6399999999999999, "sadness": 0.61,
        "rating": 4.66, "uncertainty": 0.1, "music": 0.5, "sound": 0.11, "kinds": {"sad": 0.6, "tender": 0.4},
        "matched": False, "why": "Event rate lies outside its band; loss at 0.2 fits best.",
        "moods": [{"mood": "loss", "intensity": 0.2, "match": 0.9, "matched": True}],
        "attempts": [
            {"sadness": None, "then": "another take, its notes aimed at 0.60", "kept": False},
            {"sadness": 0.61, "then": "nothing: other notes promise nothing better", "kept": True},
        ],
        "originality": {
            "run": 7, "run_of": "Nobody,_N./Songs/" + "A_" * 20 + "/" + "x" * 60 + "<b>.musicxml", "pitches": 0,
            "pitches_of": "", "shared": 0.0392, "allowed": {"run": 8, "pitches": 12, "shared": 0.2},
        },
        "cues": cues, "curve": [[1.0, 0.5], [4.0, 0.7]], "sections": sections,
    }  # fmt: skip
    facts = {
        "mood": "longing", "seed": 7, "key": None, "hits": (), "versions": {"python": "3.13.1", "numpy": "2.4.0"},
        "dialogue": [[1.0, 2.0]], "maker": "made by a test",
    }  # fmt: skip
    stems = [(name, *name.split("-")[1:]) for name in TONES]
    write_report(folder, title="longing, seed 7", score=score, stems=stems, facts=facts)
    return folder


@pytest.fixture
def browser():
    """A browser of the test's own, which ends with it."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if sys.platform == "linux" and os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=program, args=[*as_root, "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture
def page(browser, song, request):
    """The page as a browser shows it; fails where anything is said on the console."""
    asked = getattr(request, "param", {})
    context = browser.new_context(offline=True, **{"viewport": DESK, **asked})
    context.add_init_script(EAR)
    shown = context.new_page()
    said = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("dialog", lambda dialog: said.append(dialog.message))
    shown.goto((song / "report.html").as_uri())
    yield shown
    context.close()
    assert said == []


BOTH_WIDTHS = pytest.mark.parametrize(
    "page",
    [{"viewport": size, "color_scheme": scheme} for size in (PHONE, DESK) for scheme in ("light", "dark")],
    ids=lambda asked: f"{asked['viewport']['width']}-{asked['color_scheme']}",
    indirect=True,
)


@BOTH_WIDTHS
def test_nothing_is_wider_than_the_screen(page):
    page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = page.evaluate("""[...document.querySelectorAll("body *")]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".ruler, .plot"))
        .map((one) => one.outerHTML)""")
    assert wide == []


def test_it_says_whose_tune_it_could_be(page):
    said = page.locator("p", has_text="7 notes in a row").inner_text()
    assert "as in Nobody, N./Songs/" in said and "(8 are allowed); 4 % of its figures" in said and "<b>" in said


@BOTH_WIDTHS
def test_names_of_sections_do_not_run_into_each_other(page):
    boxes = page.locator(".ruler .long").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.right])"
    )
    assert len(boxes) == 4 and all(a[1] <= b[0] + 1 for a, b in zip(boxes, boxes[1:], strict=False))


@BOTH_WIDTHS
def test_axe_finds_nothing(page):
    from axe_playwright_python.sync_playwright import Axe

    page.locator("details").evaluate_all("all => all.forEach((one) => one.open = true)")
    page.get_by_role("button", name="Solo").first.click()
    assert [(one["id"], one["impact"]) for one in Axe().run(page).response["violations"]] == []


def test_what_is_said_is_text_and_never_markup(page):
    assert "<b>mode</b>" in page.inner_text("main")
    assert "longing <script>alert(1)</script> at 0.64: Event rate lies outside its band" in page.inner_text("main")
    facts = page.inner_text("dl")
    assert "python 3.13.1, numpy 2.4.0" in facts and "{" not in facts and "None" not in facts and "()" not in facts


def test_attempts_are_told_in_their_order(page):
    said = (
        "no sadness, then another take, its notes aimed at 0.60; 0.61 (kept), then nothing: other notes promise nothing"
    )
    assert f"2 attempts: {said} better." in page.inner_text("main")


def test_the_tempo_cannot_be_taken_for_a_melody(page):
    """It has a lane of its own, below the notes, and a colour that no part has."""
    notes = page.locator("figure", has_text="Notes").locator("svg")
    assert notes.locator("path.melody").count() > 0 and notes.locator(".tempo").count() == 0
    colours = page.evaluate("""() => {
        const value = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name);
        return ["tempo", "melody", "counter", "harmony", "bass", "texture", "percussion"].map(value);
    }""")
    assert colours[0] not in colours[1:] and len(set(colours)) == 7


def sounding(page):
    """Which of the tones sound, measured where the sound leaves the page."""
    names = {"cello": 440.0, "piano": 1500.0, "dry": DRY_HZ, "master": MASTER_HZ, "late": LATE_HZ}
    levels = page.evaluate(LEVELS, list(names.values()))
    return {name for name, level in zip(names, levels, strict=True) if level > -45}


def heard(page, *wanted):
    """Whether these tones and no others sound, twice in a row, once the sound moved on: a busy machine takes time."""
    began, before, found = place(page), None, None
    for _ in range(60):
        page.wait_for_timeout(100)
        if not 0.3 <= place(page) - began:
            continue
        before, found = found, sounding(page)
        if before == found == set(wanted):
            return True
    raise AssertionError(f"{found} sounded, not {wanted}, at {place(page)} s")


def place(page):
    return float(page.get_by_role("slider").input_value())


def press(page, name):
    page.get_by_role("button", name=name).click()


def test_one_player_plays_one_thing_at_a_time(page):
    assert page.locator("audio").count() == 0
    press(page, "Play")
    assert heard(page, "master")
    page.get_by_role("radio", name="dry").check()
    assert heard(page, "dry")
    page.get_by_role("radio", name="stems, wet").check()
    assert heard(page, "cello")  # of the other two each undoes the other: they run together to the sample
    press(page, "Pause")
    before = place(page)
    page.wait_for_timeout(400)
    assert sounding(page) == set() and place(page) == before and page.get_by_role("button", name="Play").count() == 1


def test_solo_and_mute_keep_the_place(page):
    press(page, "Play")
    press(page, "Solo 02")
    assert heard(page, "piano") and page.get_by_role("radio", name="stems, wet").is_checked()
    before = place(page)
    press(page, "Solo 01")
    assert heard(page, "cello", "piano")
    press(page, "Mute 02")
    assert heard(page, "cello")
    press(page, "Solo 01")
    press(page, "Solo 02")
    press(page, "Mute 02")
    press(page, "Mute 01")
    assert heard(page)  # the two that are left, together to the sample
    assert before < place(page) < SECONDS


def test_what_was_sought_goes_on_together(page):
    page.get_by_role("radio", name="stems, wet").check()
    press(page, "Mute 01")
    press(page, "Play")
    assert heard(page)
    page.locator(".plot").first.click(position={"x": 600, "y": 10})
    assert heard(page) and 0.5 * SECONDS < place(page) < 0.9 * SECONDS
    press(page, "Mute 03")
    assert heard(page, "piano")


def test_what_is_heard_is_what_stands_at_that_place(page):
    page.get_by_role("slider").fill("12")
    press(page, "Play")
    assert heard(page, "late")
    page.get_by_role("slider").fill("2")
    assert heard(page, "master") and 2 < place(page) < 10


def test_keys_on_the_slider_move_by_what_one_hears(page):
    slider = page.get_by_role("slider")
    for key, moved in (("ArrowRight", 5), ("ArrowUp", 10), ("ArrowLeft", 5), ("End", SECONDS), ("Home", 0)):
        slider.press(key)
        assert place(page) == pytest.approx(moved, abs=0.01)
    slider.press("Space")
    assert heard(page, "master")
    before = place(page)
    for _ in range(3):
        slider.press("ArrowRight")
    assert place(page) >= before + 14


def test_what_cannot_be_decoded_is_said(browser, song):
    page = browser.new_page()
    html = (song / "report.html").read_text()
    page.set_content(re.sub(r'(data-kind="dry"[^>]*>)[^<]+', r"\1" + "A" * 1000, html))
    press(page, "Play")
    page.get_by_role("radio", name="dry").check()
    page.get_by_text("cannot be decoded here").wait_for(timeout=5000)
    page.get_by_role("radio", name="master").check()
    page.get_by_text(re.compile(r"0:\d\d / 0:20")).wait_for(timeout=5000)


def test_it_stops_at_the_end_and_begins_anew(page):
    page.get_by_role("slider").fill("19.7")
    press(page, "Play")
    page.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert place(page) == pytest.approx(SECONDS, abs=0.02)
    press(page, "Play")
    assert heard(page, "master") and place(page) < 10


def test_dry_wet_and_master_are_heard_at_one_loudness(page):
    """What is compared by ear must not win by being louder."""
    press(page, "Play")
    page.wait_for_timeout(500)
    levels = {}
    for name, hertz in (("master", MASTER_HZ), ("dry", DRY_HZ)):
        page.get_by_role("radio", name=name).check()
        page.wait_for_timeout(450)
        levels[name] = page.evaluate(LEVELS, [hertz])[0]
    assert levels["master"] == pytest.approx(levels["dry"], abs=2.5)  # K-weighting hears 3 and 5 kHz alike


def test_a_keyboard_reaches_everything(page):
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
    assert "Play" in reached and "Position" in reached
    assert {f"{what} {name}" for what in ("Solo", "Mute") for name in TONES} <= set(reached)
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")
    assert heard(page, "master")


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_without_scripts_it_says_where_the_song_is(page):
    assert page.locator("noscript a").get_attribute("href") == "master.wav"
    assert not page.locator(".player").is_visible() and page.locator(".plot").first.is_visible()


def test_the_page_needs_no_network(song):
    html = (song / "report.html").read_text()
    plain = re.sub(r"data:image/png;base64,[^\"]*|<script type=\"text/plain\"[^<]*", "", html)
    assert "http:" not in plain and "https:" not in plain and "//cdn" not in plain
