// Keeps a page as it would be if it were loaded now.  The page is whole without this.
"use strict";

(() => {
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const link = document.getElementById("link");
  const said = document.getElementById("said");
  const mac = document.body.dataset.mac || "";
  let asked = false, asking = false, rest = 700, last = Date.now();
  let words = [], spoken = 0;

  // Make `old` like `now`, touching only what differs, so that focus, selection and what was opened stay.
  function grow(old, now) {
    if (old.isEqualNode(now)) return;
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || old.id !== now.id) {
      old.replaceWith(document.importNode(now, true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.data = now.data;
      return;
    }
    const kept = old.nodeName === "DETAILS" ? ["open"] : [];
    for (const each of [...old.attributes])
      if (!now.hasAttribute(each.name) && !kept.includes(each.name)) old.removeAttribute(each.name);
    for (const each of now.attributes)
      if (old.getAttribute(each.name) !== each.value && !kept.includes(each.name)) old.setAttribute(each.name, each.value);
    children(old, now);
  }

  // Those with an id keep it wherever they move to.
  function children(old, now) {
    const named = new Map([...old.children].filter((each) => each.id).map((each) => [each.id, each]));
    let at = old.firstChild;
    for (const wanted of [...now.childNodes]) {
      const known = wanted.id ? named.get(wanted.id) : undefined;
      if (known && known !== at) {
        old.insertBefore(known, at);
        grow(known, wanted);
      } else if (at && !(wanted.id && !known) && !(at.id && at.id !== wanted.id)) {
        const next = at.nextSibling;
        grow(at, wanted);
        at = next;
      } else {
        old.insertBefore(document.importNode(wanted, true), at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // What moves, or is made anew in another place, loses the focus: it, or its like, gets it back.
  function keepingFocus(change) {
    const held = document.activeElement;
    const home = held && held.closest("[data-live] [id]");
    const place = home ? [...home.querySelectorAll("*")].indexOf(held) : -1;
    change();
    if (!home || document.activeElement === held) return;
    const there = document.getElementById(home.id);
    const like = place < 0 || !there ? there : there.querySelectorAll("*")[place];
    if (like) like.focus({ preventScroll: true });
  }

  async function refresh() {
    if (asking) { asked = true; return; }
    asking = true;
    asked = false;
    const began = performance.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of parts()) {
          const now = page.getElementById(old.id);
          if (!now) { location.reload(); return; } // another page stands here now, as when the first machine boots
          keepingFocus(() => grow(old, now));
        }
        last = Date.now();
      } else if (answer.status === 401) {
        tell("not live: log in again", false);
      } else if (answer.status === 404) {
        tell("not live: netbootd does not know it any more", false);
      }
    } catch {
      // The stream says that the daemon is away.
    }
    // A daemon that takes long to answer is asked less often.
    rest = Math.min(10000, Math.max(700, 5 * (performance.now() - began)));
    setTimeout(() => { asking = false; if (asked) refresh(); }, rest);
  }

  // What is selected, or being typed, is not pulled away.
  function soon() {
    if (document.hidden || !(getSelection() || { isCollapsed: true }).isCollapsed) { asked = true; return; }
    refresh();
  }

  function tell(text, live) {
    link.hidden = false;
    link.textContent = text;
    link.classList.toggle("live", live);
  }

  function ago(seconds) {
    const size = Math.abs(seconds);
    if (size < 1) return "now";
    const [scale, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([scale]) => size >= scale);
    const text = `${Math.round(size / scale)} ${unit}`;
    return seconds > 0 ? `${text} ago` : `in ${text}`;
  }

  function tick() {
    for (const each of document.querySelectorAll("time[data-at]")) {
      const text = ago(Date.now() / 1000 - Number(each.dataset.at));
      if (each.textContent !== text) each.textContent = text;
    }
  }

  // To who cannot see it: a rack that installs is not read out machine by machine.
  function say(text) {
    words.push(text);
    if (words.length === 1) setTimeout(speak, Math.max(0, spoken + 5000 - Date.now()));
  }

  function speak() {
    const more = words.length - 1;
    said.textContent = words[more] + (more ? `; and ${more} more` : "");
    words = [];
    spoken = Date.now();
  }

  function happened(event) {
    if (event.type === "machine.changed" || event.type === "machine.trouble") {
      const told = JSON.parse(event.data);
      say(`${told.machine || told.mac}: ${told.sentence}`);
    }
    soon();
  }

  function follow() {
    const stream = new EventSource(`/api/v1/events${mac ? `?level=debug&mac=${encodeURIComponent(mac)}` : ""}`);
    stream.onopen = () => { tell("live", true); soon(); };
    stream.onerror = () => {
      if (stream.readyState !== EventSource.CLOSED) { tell("not live: netbootd does not answer", false); return; }
      // What was refused, as where too many read already or a login is over, no browser asks for again by itself.
      tell("not live: netbootd refuses it for now", false);
      soon();
      setTimeout(follow, 10000);
    };
    for (const name of [...document.body.dataset.events.split(" "), "gap", "dropped"])
      stream.addEventListener(name, happened);
  }

  if (parts().length && "EventSource" in window) {
    follow();
    // What moves without a word, and what silence makes of a boot.
    setInterval(() => {
      const moving = document.querySelector(".rank-booting, .outcome-running");
      if (asked || Date.now() - last > (moving ? 2000 : 15000)) soon();
    }, 1000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
  }
  setInterval(tick, 5000);
})();
