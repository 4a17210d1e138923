// What a page does by itself. Everything works without it, except where a page says so.
(() => {
  "use strict";
  const lang = document.documentElement.lang;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const localTimes = (root) => {
    const format = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
    for (const time of all("time[datetime]", root)) {
      if (time.title) continue;
      time.title = time.textContent;
      time.textContent = format.format(new Date(time.dateTime));
    }
  };

  // A mailed link: its token is in the fragment, which no server sees.
  const gate = () => {
    const form = document.querySelector("form[data-gate]");
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (!form || !token) return;
    form.elements.token.value = token;
    history.replaceState(null, "", location.pathname);
    form.requestSubmit();
  };

  const countdowns = () => {
    for (const element of all("[data-until]")) {
      const until = new Date(element.dataset.until);
      const tick = () => {
        const left = Math.round((until - Date.now()) / 1000);
        element.textContent = left > 0
          ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`
          : element.dataset.ended;
        if (left > 0) setTimeout(tick, 1000);
      };
      tick();
    }
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      button.parentElement.querySelector("input")?.select();
      return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, 1500);
  });

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset?.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  // One menu is open at a time; Escape and a click beside it close it.
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // Lists by keyboard: j and k move, Enter opens, x picks, / searches, ? says so.
  document.addEventListener("keydown", (event) => {
    const list = document.querySelector("[data-keys]");
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (!list || typing || event.metaKey || event.ctrlKey || event.altKey) return;
    const rows = all("tbody tr", list);
    const at = rows.findIndex((row) => row.classList.contains("at"));
    const go = (to) => {
      rows[at]?.classList.remove("at");
      const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
      if (!row) return;
      row.classList.add("at");
      row.scrollIntoView({ block: "nearest" });
      (row.querySelector("a") ?? row).focus({ preventScroll: true });
    };
    const keys = {
      j: () => go(at + 1),
      k: () => go(at < 0 ? 0 : at - 1),
      x: () => rows[at]?.querySelector("input[type=checkbox]")?.click(),
      "/": () => document.querySelector("[type=search]")?.focus(),
      "?": () => document.querySelector("dialog[data-help]")?.showModal(),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-all]")) {
      for (const one of all("tbody input[type=checkbox]", box.closest("table"))) one.checked = box.checked;
    }
    if (box.matches("[data-submits]")) box.form.requestSubmit();
  });

  // What had the focus may be swapped away: its like in the new part gets it, or the list. Swaps
  // may overlap, so it is remembered when it gets the focus; who points somewhere needs none of it.
  let focused = null;
  document.addEventListener("focusin", (event) => { focused = event.target; });
  document.addEventListener("pointerdown", () => { focused = null; });
  document.addEventListener("htmx:after:swap", () => {
    localTimes(document);
    if (!focused || focused.isConnected || document.activeElement !== document.body) return;
    const like = all("main a").find((one) => one.href === focused.href && one.checkVisibility());
    (like ?? document.querySelector("[data-keys]") ?? document.querySelector("main"))?.focus();
  });
  localTimes(document);
  gate();
  countdowns();
  document.querySelector("[data-focus]")?.focus();
})();
