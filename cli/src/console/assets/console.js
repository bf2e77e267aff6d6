"use strict";
// Refreshes a page that says it will change, unless somebody is at work in it. Everything else works without.
(() => {
  const refresh = async () => {
    const main = document.querySelector("main[data-refresh]");
    if (!main) return;
    const busy = document.activeElement && document.activeElement.closest("form");
    if (!busy && !document.hidden) {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
      if (answer && answer.ok) {
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
        if (next) main.replaceWith(document.adoptNode(next));
      }
    }
    setTimeout(refresh, 2000);
  };
  setTimeout(refresh, 2000);
})();
