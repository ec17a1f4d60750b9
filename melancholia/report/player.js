"use strict";
// One player for the page: the master, the wet stems, or the dry ones as they were played, started together on one
// clock. What is heard is a matter of gains alone, so a switch, a solo or a mute never loses the place.
(() => {
  const RAMP_S = 0.015, AHEAD_S = 0.06;
  const AHEAD_TRACK_S = 3000;  // of sound are decoded before they are asked for: 400 MB; more only when they are
  const seconds = Number(document.body.dataset.seconds);
  const player = document.querySelector(".player");
  const [button, slider, clock] = ["button", "input[type=range]", "output"].map((what) => player.querySelector(what));
  const sides = [...player.querySelectorAll("input[type=radio]")];
  const rows = [...document.querySelectorAll(".stem")];
  const tracks = [...document.querySelectorAll("script.track")].map((element) => ({
    kind: element.dataset.kind, name: element.dataset.name, level: Number(element.dataset.gain), element,
    sound: null, gain: null, source: null, decoding: null,
  }));
  let context = null, playing = false, wanted = false, from = 0, zero = 0, frame = 0;  // `zero` is when the sound began, by its clock

  const side = () => sides.find((radio) => radio.checked).value;
  const pressed = (row, what) => row.querySelector(`button[data-what=${what}]`).getAttribute("aria-pressed") === "true";
  const position = () => playing ? Math.max(0, context.currentTime - zero) : from;

  function heard(track) {
    if (side() !== track.kind) return false;
    if (track.kind !== "stem") return true;
    const row = rows.find((one) => one.dataset.name === track.name);
    return !pressed(row, "mute") && (pressed(row, "solo") || !rows.some((one) => pressed(one, "solo")));
  }

  function decoded(track) {
    track.decoding ??= decode(track).catch(() => { track.broken = true; show(); });
    return track.decoding;
  }

  async function decode(track) {
    const text = atob(track.element.textContent.trim());
    track.element.textContent = "";
    track.sound = await context.decodeAudioData(Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
    track.gain = context.createGain();
    track.gain.gain.value = heard(track) ? track.level : 0;
    track.gain.connect(context.destination);
    if (playing) start(track);
  }

  function start(track) {
    const when = context.currentTime + AHEAD_S, offset = when - zero;
    if (offset >= track.sound.duration) return;
    track.source = context.createBufferSource();
    track.source.buffer = track.sound;
    track.source.connect(track.gain);
    track.source.start(offset < 0 ? zero : when, Math.max(0, offset));
  }

  function halt() {
    if (playing) from = position();
    playing = false;
    for (const track of tracks) { track.source?.stop(); track.source = null; }
  }

  async function play() {
    wanted = true;
    context ??= new AudioContext({ sampleRate: 32000 });
    show();
    await context.resume();
    await Promise.all(tracks.filter((track) => track.kind === side()).map(decoded));
    if (!wanted || playing) return;
    if (from >= seconds - 0.05) from = 0;
    playing = true;
    zero = context.currentTime + AHEAD_S - from;
    for (const track of tracks) if (track.sound) start(track);
    follow();
    if (seconds * tracks.length <= AHEAD_TRACK_S) for (const track of tracks) await decoded(track);
  }

  function pause() { wanted = false; halt(); show(); }

  function seek(to) {
    const went = playing;
    halt();
    from = Math.min(Math.max(0, to), seconds);
    if (went) play();
    show();
  }

  function follow() {
    cancelAnimationFrame(frame);
    if (!playing) return;
    if (position() >= seconds) { pause(); from = seconds; }
    show();
    frame = requestAnimationFrame(follow);
  }

  const said = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  function show() {
    const at = Math.min(position(), seconds);
    button.textContent = wanted ? "Pause" : "Play";
    slider.value = at;
    slider.setAttribute("aria-valuetext", `${said(at)} of ${said(seconds)}`);
    const broken = tracks.some((track) => track.broken && track.kind === side());
    clock.textContent = broken ? "cannot be decoded here" : `${said(at)} / ${said(seconds)}`;
    document.documentElement.style.setProperty("--at", at / seconds);
    document.documentElement.style.setProperty("--begun", at > 0 ? 1 : 0);
  }

  function level() {
    for (const track of tracks) track.gain?.gain.setTargetAtTime(heard(track) ? track.level : 0, context.currentTime, RAMP_S);
    for (const row of rows) row.classList.toggle("silent", side() === "stem" && !heard({ kind: "stem", name: row.dataset.name }));
    if (wanted) for (const track of tracks) if (heard(track)) decoded(track);
  }

  const STEPS_S = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 };

  button.addEventListener("click", () => wanted ? pause() : play());
  slider.addEventListener("keydown", (event) => {
    if (event.key in STEPS_S) seek(position() + STEPS_S[event.key]);
    else if (event.key === " ") button.click();
    else return;
    event.preventDefault();
  });
  slider.addEventListener("input", () => seek(Number(slider.value)));
  for (const radio of sides) radio.addEventListener("change", level);
  for (const row of rows) {
    for (const one of row.querySelectorAll("button")) {
      one.addEventListener("click", () => {
        one.setAttribute("aria-pressed", String(one.getAttribute("aria-pressed") !== "true"));
        sides.find((radio) => radio.value === "stem").checked = true;
        level();
      });
    }
  }
  for (const plot of document.querySelectorAll(".plot")) {
    plot.addEventListener("click", (event) => {
      const box = plot.getBoundingClientRect();
      seek(seconds * (event.clientX - box.left) / box.width);
    });
  }
  player.hidden = false;
  for (const row of rows) for (const one of row.querySelectorAll("button")) one.hidden = false;
  show();
})();
