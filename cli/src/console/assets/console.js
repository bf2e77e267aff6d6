"use strict";
// Refreshes a page that says it will change, unless somebody is at work in it. Everything else works without.
(() => {
  const isBusy = main => {
    const active = document.activeElement;
    // The content itself has the focus after "Skip to the content", and keeps it: it stays, its children change.
    return (active !== main && main.contains(active)) || main.querySelector("details[open]");
  };
  const refresh = async () => {
    const main = document.querySelector("main[data-refresh]");
    if (!main) return;
    if (!isBusy(main) && !document.hidden) {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
      if (answer && answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
        // Meanwhile somebody may have gone to work.
        if (next && !isBusy(main)) {
          main.toggleAttribute("data-refresh", next.hasAttribute("data-refresh"));
          main.replaceChildren(...next.childNodes);
        }
      }
    }
    setTimeout(refresh, 2000);
  };
  setTimeout(refresh, 2000);
})();
