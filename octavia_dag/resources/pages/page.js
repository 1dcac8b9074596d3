"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];

  const theme = byId("theme");
  theme.addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark" ||
      (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  });

  const search = byId("search");
  if (search) {
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      for (const row of all("tr[data-text]")) row.hidden = !row.dataset.text.includes(wanted);
    });
  }

  // The lines, in the order in which the table shows them.
  const table = byId("lines-table");
  if (!table) return;
  const rows = () => [...table.tBodies[0].rows];
  const start = (row) => Number(row.dataset.start);
  const inTime = rows();
  const flagged = byId("flagged");
  const order = byId("order");
  const arrange = () => {
    const key = order.value;
    const worth = (row) => (key === "time" ? start(row) : -Number(row.dataset[key] || 0));
    table.tBodies[0].append(...[...inTime].sort((a, b) => worth(a) - worth(b)));
    for (const row of inTime) row.hidden = flagged.checked && !("flagged" in row.dataset);
  };
  flagged.addEventListener("change", arrange);
  order.addEventListener("change", arrange);

  const player = byId("player");
  if (!player) return;
  const original = byId("original");
  const dub = byId("dub");
  const both = [original, dub];
  const seconds = Number(player.dataset.seconds);
  const seeker = byId("seek");
  const play = byId("play");
  const clock = byId("clock");
  const heads = all(".head");
  const stops = byId("stops");
  let heard = dub;
  let current = null;
  let until = null;

  // What is played lies in the page as text.
  for (const text of all("script[data-clip]")) {
    const raw = atob(text.textContent);
    const bytes = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
    text.textContent = "";
    byId(text.dataset.clip).src = URL.createObjectURL(new Blob([bytes], { type: text.dataset.kind }));
  }

  const listen = (video) => {
    heard = video;
    for (const one of both) {
      one.muted = one !== video;
      one.playbackRate = 1; // the one that follows may have been hurried, or held up
      byId(`hear-${one.id}`).setAttribute("aria-pressed", String(one === video));
    }
  };

  const told = (value) => {
    const whole = Math.floor(value);
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(whole / 60);
    return minutes < 60 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
  };

  const choose = (row) => {
    if (row === current) return;
    for (const one of all("[aria-current]")) one.removeAttribute("aria-current");
    for (const one of all(".on")) one.classList.remove("on");
    current = row;
    byId("now-original").textContent = row ? row.dataset.original : "";
    byId("now-dub").textContent = row ? row.dataset.dub : "";
    if (!row) return;
    row.setAttribute("aria-current", "true");
    for (const one of all(`svg [data-line="${row.dataset.line}"]`)) one.classList.add("on");
  };

  const draw = () => {
    const at = heard.currentTime;
    seeker.value = at;
    seeker.setAttribute("aria-valuetext", told(at));
    clock.textContent = `${told(at)} / ${told(seconds)}`;
    const share = `${Math.min((100 * at) / seconds, 100)}%`;
    for (const head of heads) {
      head.setAttribute("x1", share);
      head.setAttribute("x2", share);
    }
    // Of lines that overlap, the one that was chosen stays.
    const holds = (row) => start(row) - 0.05 <= at && at < Number(row.dataset.end);
    if (!current || !holds(current)) {
      const now = inTime.filter(holds).pop();
      if (now) choose(now);
    }
  };

  const follow = () => {
    for (const scroller of all(".scroller")) {
      const x = (heard.currentTime / seconds) * scroller.scrollWidth;
      if (x < scroller.scrollLeft || x > scroller.scrollLeft + scroller.clientWidth) {
        scroller.scrollLeft = x - scroller.clientWidth / 4;
      }
    }
  };

  const jump = (at) => {
    until = null;
    for (const one of both) one.currentTime = Math.max(0, Math.min(at, seconds));
    draw();
    follow();
  };

  const running = () => !heard.paused && !heard.ended;
  const pause = () => both.forEach((one) => one.pause());
  const run = () => Promise.allSettled(both.map((one) => one.play()));

  const playLine = (row, look) => {
    jump(start(row));
    choose(row);
    if (look) row.scrollIntoView({ block: "nearest" });
    until = stops.checked ? Number(row.dataset.end) + 0.15 : null;
    run();
  };

  const step = (by) => {
    const shown = rows().filter((row) => !row.hidden);
    if (!shown.length) return;
    let at = shown.indexOf(current);
    if (at < 0) {
      at = shown.findIndex((row) => start(row) > heard.currentTime);
      at = by > 0 ? (at < 0 ? shown.length : at) - 1 : at < 0 ? shown.length : at;
    }
    playLine(shown[Math.max(0, Math.min(at + by, shown.length - 1))], true);
  };

  const toggle = () => {
    until = null;
    if (running()) pause();
    else run();
  };

  // One of the two leads, the one that is heard; the other follows it without being noticed.
  setInterval(() => {
    if (!running()) return;
    const other = heard === dub ? original : dub;
    const apart = other.currentTime - heard.currentTime;
    if (heard.seeking || other.seeking) return;
    if (Math.abs(apart) > 0.2) other.currentTime = heard.currentTime;
    else other.playbackRate = Math.abs(apart) < 0.02 ? 1 : apart > 0 ? 0.92 : 1.08;
    if (other.paused && !other.ended) run();
  }, 100);

  const frame = () => {
    if (until !== null && heard.currentTime >= until) {
      until = null;
      pause();
    }
    draw();
    follow();
    if (running()) requestAnimationFrame(frame);
  };
  for (const one of both) {
    one.addEventListener("play", () => one === heard && requestAnimationFrame(frame));
    one.addEventListener("seeked", draw);
    for (const kind of ["play", "pause", "ended"]) {
      one.addEventListener(kind, () => {
        play.firstElementChild.textContent = running() ? "Pause" : "Play";
        if (one === heard && kind === "ended") pause();
      });
    }
  }

  document.addEventListener("click", (event) => {
    const target = event.target;
    const line = target.closest("[data-line]");
    const whole = target.closest("[data-seek]");
    if (line && !String(getSelection())) {
      playLine(inTime.find((row) => row.dataset.line === line.dataset.line), line.matches("a"));
    } else if (whole && !line) {
      const box = whole.getBoundingClientRect();
      jump(((event.clientX - box.left) / box.width) * seconds);
    }
  });
  play.addEventListener("click", toggle);
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  seeker.addEventListener("input", () => jump(Number(seeker.value)));
  for (const one of both) {
    byId(`hear-${one.id}`).addEventListener("click", () => listen(one));
    one.addEventListener("click", toggle);
  }
  let zoom = 1;
  const zoomed = (by) => {
    zoom = Math.max(1, Math.min(zoom * by, Math.max(1, seconds / 5)));
    for (const inner of all(".inner")) inner.style.width = `${100 * zoom}%`;
    follow();
  };
  byId("closer").addEventListener("click", () => zoomed(2));
  byId("farther").addEventListener("click", () => zoomed(0.5));

  const keys = { j: () => step(-1), k: toggle, l: () => step(1), s: () => listen(heard === dub ? original : dub) };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, textarea, input[type=search]")) return;
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });

  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--covered", `${player.offsetHeight + 8}px`);
  }).observe(player);
  listen(dub);
  draw();
})();
