"use strict";
// One clock for all videos of a scene: the longest one leads, the others are put back in step when they drift.
(() => {
  const player = document.getElementById("player");
  if (!player) return;
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("player-data").textContent);
  const [grid, scrub, where, given] = ["grid", "scrub", "where", "given"].map(find);
  const urls = new Map();
  let scene = null, videos = [], frame = 0, playing = false;

  function url(index) {
    if (!urls.has(index)) {
      const raw = Uint8Array.from(atob(data.videos[index]), (c) => c.charCodeAt(0));
      urls.set(index, URL.createObjectURL(new Blob([raw], { type: "video/mp4" })));
    }
    return urls.get(index);
  }

  function element(tag, css, text) {
    const made = document.createElement(tag);
    if (css) made.className = css;
    if (text) made.textContent = text;
    return made;
  }

  function cellFigure(cell) {
    const figure = element("figure", "cell " + cell.kind);
    const caption = element("figcaption");
    caption.append(element("span", "who", cell.label));
    if (cell.kind === "dream") caption.append(element("span", "state"));
    if (cell.note) caption.append(element("span", "note-line", cell.note));
    figure.append(caption);
    if (cell.missing) {
      figure.append(element("div", "absent", "No video: " + cell.missing));
      return figure;
    }
    const video = element("video");
    video.muted = video.playsInline = true;
    video.preload = "auto";
    video.width = cell.width;
    video.height = cell.height;
    video.setAttribute("aria-label", cell.label);
    video.src = url(cell.video);
    video.addEventListener("loadedmetadata", () => seek(video));
    video.addEventListener("seeked", () => { if (video.wanted !== undefined) seek(video); });
    videos.push(video);
    figure.append(video);
    return figure;
  }

  function load(index) {
    pause();
    for (const video of videos) video.removeAttribute("src"), video.load();
    videos = [];
    scene = data.scenes[index];
    grid.replaceChildren();
    for (const branch of scene.branches) {
      if (branch.label) grid.append(element("p", "branch", branch.label));
      const row = element("div", "cells");
      row.style.setProperty("--columns", Math.max(2, branch.cells.length));
      row.append(...branch.cells.map(cellFigure));
      grid.append(row);
    }
    find("values").replaceChildren(...scene.values.flatMap(([who, what]) => [element("dt", "", who), element("dd", "", what)]));
    find("mark").textContent = scene.group + ": " + scene.mark;
    find("scene").value = index;
    scrub.max = scene.frames - 1;
    given.hidden = scene.context <= 0;
    given.style.width = (100 * Math.min(scene.context, scene.frames)) / scene.frames + "%";
    show(0);
  }

  // The middle of a frame's time, so that rounding never shows its neighbour.
  const timeOf = (index) => (index + 0.5) / scene.fps;

  function seek(video) {
    video.wanted = frame;
    if (video.readyState < 1 || video.seeking) return;
    delete video.wanted;
    const time = Math.min(timeOf(frame), video.duration - 0.25 / scene.fps);
    if (Math.abs(video.currentTime - time) > 1e-4) video.currentTime = time;
  }

  function describe() {
    const dreamed = frame >= scene.context;
    const part = dreamed ? "dreamed +" + (frame - scene.context + 1) : "given";
    const time = (frame / scene.fps).toFixed(2) + " s";
    const spoken = ["frame " + (frame + 1) + " of " + scene.frames, part, time];
    scrub.value = frame;
    scrub.setAttribute("aria-valuetext", spoken.join(", "));
    where.textContent = spoken.join(" · ");
    player.classList.toggle("dreaming", dreamed);
    for (const state of grid.querySelectorAll(".state")) state.textContent = dreamed ? "dreamed" : "given";
  }

  function show(index) {
    frame = Math.max(0, Math.min(scene.frames - 1, index));
    videos.forEach(seek);
    describe();
  }

  function leader() {
    return videos.reduce((best, video) => (!best || video.duration > best.duration ? video : best), null);
  }

  function play() {
    if (!videos.length) return;
    if (frame >= scene.frames - 1) show(0);
    playing = true;
    mark();
    for (const video of videos) {
      video.playbackRate = Number(find("speed").value);
      video.play().catch(() => {});
    }
    requestAnimationFrame(tick);
  }

  function pause() {
    if (!playing) return;
    playing = false;
    mark();
    videos.forEach((video) => video.pause());
    show(frame);
  }

  function mark() {
    find("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    player.classList.toggle("playing", playing);
  }

  function tick() {
    if (!playing) return;
    const lead = leader();
    frame = Math.min(scene.frames - 1, Math.floor(lead.currentTime * scene.fps + 1e-6));
    for (const video of videos) {
      const target = Math.min(lead.currentTime, video.duration);
      if (!video.seeking && Math.abs(video.currentTime - target) > 0.6 / scene.fps) video.currentTime = target;
    }
    describe();
    if (lead.ended) {
      frame = scene.frames - 1;
      pause();
    } else requestAnimationFrame(tick);
  }

  const step = (by) => { pause(); show(frame + by); };
  find("play").addEventListener("click", () => (playing ? pause() : play()));
  find("back").addEventListener("click", () => step(-1));
  find("forward").addEventListener("click", () => step(1));
  find("scene").addEventListener("change", (event) => load(Number(event.target.value)));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-watch]");
    if (!button) return;
    load(Number(button.dataset.watch));
    player.scrollIntoView({ block: "start" });
    find("play").focus({ preventScroll: true });
  });
  find("speed").addEventListener("change", (event) => videos.forEach((video) => (video.playbackRate = Number(event.target.value))));
  scrub.addEventListener("input", () => { pause(); show(Number(scrub.value)); });
  document.addEventListener("keydown", (event) => {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || at.closest("select, a, summary, .scroll, pre, input:not(#scrub)")) return;
    const stride = event.shiftKey ? 10 : 1;
    const keys = {
      " ": () => (at.closest("button") ? null : playing ? pause() : play()),
      ArrowLeft: () => step(-stride),
      ArrowRight: () => step(stride),
      Home: () => (at === scrub ? step(-scene.frames) : null),
      End: () => (at === scrub ? step(scene.frames) : null),
    };
    if (!keys[event.key] || keys[event.key]() === null) return;
    event.preventDefault();
  });
  load(data.opening);
  show(scene.context + 7); // the first frame is the game's in every video and tells nothing
})();
