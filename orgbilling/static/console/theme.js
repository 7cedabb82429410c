// The theme before the first paint: the person's choice, or the system's.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => localStorage.getItem("ob-theme") || "auto";
  const apply = () => {
    const dark = chosen() === "dark" || (chosen() === "auto" && system.matches);
    root.classList.toggle("dark", dark);
    root.classList.toggle("light", !dark);
    for (const button of document.querySelectorAll("[data-ob-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.obTheme === chosen()));
    }
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-ob-theme]");
    if (button) {
      localStorage.setItem("ob-theme", button.dataset.obTheme);
      apply();
    }
  });
})();
