
"use strict";
(() => {
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const sections = [...document.querySelectorAll("section")];
  const releases = [...document.querySelectorAll(".release")].map(e => ({ e, text: e.textContent.toLowerCase() }));
  const chips = [...document.querySelectorAll(".chips button")];
  let minor = "";

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(w => w);
    let shown = 0;
    for (const { e, text } of releases) {
      e.hidden = !((minor === "" || e.dataset.minor === minor) && words.every(w => text.includes(w)));
      shown += e.hidden ? 0 : 1;
    }
    for (const s of sections) s.hidden = !s.querySelector(".release:not([hidden])");
    none.hidden = shown > 0;
    count.textContent = shown === releases.length ? "" : shown + " of " + releases.length;
  };

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      minor = chip.dataset.minor;
      for (const c of chips) c.setAttribute("aria-pressed", String(c === chip));
      show();
    });
  }

  const select = element => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "copied";
      } catch {
        select(button.previousElementSibling); // Without TLS a page may not write there; then it takes one key more.
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  const today = new Date().toISOString().slice(0, 10);
  for (const eol of document.querySelectorAll(".eol")) {
    if (eol.querySelector("time").dateTime < today) {
      eol.classList.add("past");
      eol.firstChild.textContent = "support ended on ";
    }
  }

  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.open = true;
  };

  search.addEventListener("input", show);
  document.getElementById("controls").addEventListener("submit", e => e.preventDefault());
  document.getElementById("controls").hidden = false;
  addEventListener("hashchange", open);
  open();
})();
