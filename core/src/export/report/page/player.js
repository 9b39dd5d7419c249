// Sound. Loops run round in an AudioBufferSourceNode, which wraps from the last sample to the first: no gap. A context has
// the rate of what it plays, so that decoding keeps every sample, and a loop its exact length.

const player = (() => {
  const KEPT = 24;
  const EDGE = 0.008;
  const buffers = new Map();
  const contexts = new Map();
  let volume = 0.8;
  let voices = [];
  let wanted = 0;

  function context(rate) {
    if (!contexts.has(rate)) {
      let made;
      try {
        made = new AudioContext({ sampleRate: rate, latencyHint: "interactive" });
      } catch {
        // A rate that this browser cannot play at: the node resamples.
        made = new AudioContext();
      }
      const out = made.createGain();
      out.gain.value = volume * volume;
      out.connect(made.destination);
      contexts.set(rate, { audio: made, out });
    }
    return contexts.get(rate);
  }

  async function decode(index) {
    const row = rows[index];
    const bytes = bytesOf(await loadPart("audio", index, fileOf("audio", index)));
    // Decoding resamples to the rate of the context; at the loop's own rate it leaves the samples alone.
    let decoder;
    try {
      decoder = new OfflineAudioContext(1, 1, row.rate);
    } catch {
      decoder = context(row.rate).audio;
    }
    return decoder.decodeAudioData(bytes.buffer);
  }

  /** The loop's samples. The last ones used are kept. */
  function buffer(index) {
    let promise = buffers.get(index);
    if (!promise) {
      promise = decode(index);
      promise.catch(() => buffers.delete(index));
    }
    buffers.delete(index);
    buffers.set(index, promise);
    if (buffers.size > KEPT) buffers.delete(buffers.keys().next().value);
    return promise;
  }

  function begin(index, made, options) {
    const { audio, out } = context(made.sampleRate);
    // Not awaited: a context that may not start yet starts with the next touch.
    if (audio.state === "suspended") audio.resume();
    const node = audio.createBufferSource();
    node.buffer = made;
    const span = options.span;
    node.loop = !span && rows[index].kind !== "one-shot";
    node.loopStart = 0;
    node.loopEnd = made.duration;
    node.playbackRate.value = options.speed;
    const gain = audio.createGain();
    const at = audio.currentTime + 0.01;
    const offset = span ? span[0] : (options.offset || 0) % made.duration;
    gain.gain.setValueAtTime(offset > 0 ? 0 : options.gain, at);
    if (offset > 0) gain.gain.linearRampToValueAtTime(options.gain, at + 0.002);
    node.connect(gain).connect(out);
    if (span) node.start(at, span[0], Math.max(0.01, span[1] - span[0]));
    else node.start(at, offset);
    const voice = { index, node, gain, audio, at, offset, speed: options.speed, duration: made.duration, loop: node.loop, span };
    node.addEventListener("ended", () => {
      if (voices.includes(voice)) {
        voices = voices.filter((v) => v !== voice);
        tell("play");
      }
    });
    return voice;
  }

  function silence(voice) {
    const now = voice.audio.currentTime;
    voice.gain.gain.cancelScheduledValues(now);
    voice.gain.gain.setTargetAtTime(0, now, EDGE / 3);
    try {
      voice.node.stop(now + EDGE * 2);
    } catch {
      // It has ended by itself.
    }
  }

  // Without sound in the report the loop's own file is played, by what the browser has for that: it may leave a gap.
  function linked(index, options) {
    const element = new Audio(rows[index].href);
    element.loop = rows[index].kind !== "one-shot";
    element.volume = volume * volume * options.gain;
    element.playbackRate = options.speed;
    element.preservesPitch = false;
    element.currentTime = options.span ? options.span[0] : options.offset || 0;
    const voice = { index, element, speed: options.speed, duration: seconds(rows[index]), loop: element.loop, span: options.span };
    element.play().catch(() => {
      voices = voices.filter((v) => v !== voice);
      toast("The loop's file cannot be played from here.");
      tell("play");
    });
    return voice;
  }

  function stopAll() {
    for (const voice of voices) {
      if (voice.element) voice.element.pause();
      else silence(voice);
    }
    voices = [];
  }

  /** Plays rows at once, from their starts, in place of what plays: [{index, speed, gain, offset, span}]. */
  async function play(list) {
    const ticket = ++wanted;
    try {
      const embedded = (item) => rows[item.index].audio === "embedded";
      const made = await Promise.all(list.map((item) => (embedded(item) ? buffer(item.index) : null)));
      if (ticket !== wanted) return;
      stopAll();
      voices = list.map((item, i) => {
        const options = { speed: 1, gain: 1, ...item };
        return made[i] ? begin(item.index, made[i], options) : linked(item.index, options);
      });
      tell("play");
    } catch (error) {
      if (ticket === wanted) {
        stop();
        toast(error.message || "This loop cannot be played.");
      }
    }
  }

  function stop() {
    wanted++;
    stopAll();
    tell("play");
  }

  /** Seconds from the loop's start that are heard now; null where it does not play. */
  function position(index) {
    const voice = voices.find((v) => v.index === index);
    if (!voice || voice.duration <= 0) return null;
    let time;
    if (voice.element) {
      time = voice.element.currentTime;
    } else {
      const late = voice.audio.outputLatency || voice.audio.baseLatency || 0;
      time = voice.offset + Math.max(0, voice.audio.currentTime - late - voice.at) * voice.speed;
    }
    if (voice.span) return Math.min(time, voice.span[1]);
    return voice.loop ? time % voice.duration : Math.min(time, voice.duration);
  }

  function setVolume(value) {
    volume = value;
    for (const { audio, out } of contexts.values()) out.gain.setTargetAtTime(volume * volume, audio.currentTime, 0.01);
    for (const voice of voices) if (voice.element) voice.element.volume = volume * volume;
  }

  return {
    play, stop, position, setVolume,
    playing: (index) => (index === undefined ? voices.length > 0 : voices.some((v) => v.index === index)),
    voices: () => voices.map((v) => v.index),
  };
})();

const playable = (index) => index >= 0 && rows[index] !== undefined && rows[index].audio !== "none";

/** How much faster a row is to play than it is, by the tempo that was asked for; octaves of tempo count as the same. */
function speedTo(index, bpm) {
  const own = rows[index].bpm;
  if (!own || !bpm || rows[index].kind === "one-shot") return 1;
  let speed = bpm / own;
  while (speed > Math.SQRT2) speed /= 2;
  while (speed < Math.SQRT1_2) speed *= 2;
  return speed;
}

function tempoAsked() {
  const value = byId("tempo").value;
  return value === "own" ? null : Number(value);
}

function play(index, options) {
  if (!playable(index)) {
    const row = rows[index];
    if (row) toast(row.problem ? `${shortName(row)} ${row.problem}` : `${shortName(row)} has no sound here.`);
    player.stop();
    return;
  }
  player.play([{ index, speed: speedTo(index, tempoAsked()), ...options }]);
}

/** Two loops at once, the second at the tempo of the first. */
function playPair(a, b) {
  const bpm = tempoAsked() || rows[a].bpm;
  const list = [{ index: a, speed: speedTo(a, bpm), gain: 0.7 }];
  if (b !== a) list.push({ index: b, speed: speedTo(b, bpm), gain: 0.7 });
  player.play(list);
}

function toggle(index) {
  if (player.playing(index)) player.stop();
  else play(index);
}
