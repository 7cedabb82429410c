// The frame around every page: the menu on small screens, drop-downs that close, and the values that the theme's
// lists and forms ask Alpine for. Without this script every link and form still works.
document.addEventListener("alpine:init", () => {
  window.Alpine.data("frame", () => ({
    activeTab: "general",
    activeFieldsetTab: "",
    filterOpen: false,
    openModal: false,
    openAllApplications: false,
    sidebarDesktopOpen: true,
    init() {
      this.$watch("filterOpen", (open) => document.body.classList.toggle("overflow-hidden", open));
    },
  }));
  window.Alpine.data("searchForm", () => ({ applyShortcut() {} }));
});

const sidebar = () => document.getElementById("ob-sidebar");

function showMenu(open) {
  sidebar().classList.toggle("ob-open", open);
  document.querySelector(".ob-scrim").hidden = !open;
  for (const button of document.querySelectorAll("button[data-ob-menu]")) {
    button.setAttribute("aria-expanded", String(open));
  }
  if (open) {
    sidebar().querySelector("a, button, summary").focus();
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-ob-menu]")) {
    showMenu(!sidebar().classList.contains("ob-open"));
  }
  for (const dropdown of document.querySelectorAll("details[data-ob-dropdown][open]")) {
    if (!dropdown.contains(event.target)) {
      dropdown.open = false;
    }
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") {
    return;
  }
  for (const dropdown of document.querySelectorAll("details[data-ob-dropdown][open]")) {
    dropdown.open = false;
    dropdown.querySelector("summary").focus();
  }
  if (sidebar()?.classList.contains("ob-open")) {
    showMenu(false);
    document.querySelector(".ob-header [data-ob-menu]").focus();
  }
});

// A form that moves credits is sent once: the key in it makes a second one harmless, this makes it rare.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-ob-once]")) {
    if (form.dataset.obSent) {
      event.preventDefault();
    }
    form.dataset.obSent = "true";
  }
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-ob-sent]")) {
    delete form.dataset.obSent;
  }
});

for (const button of document.querySelectorAll("[data-ob-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// What is shown once is copied rather than typed. Where the browser has no clipboard for us, it is selected by hand.
for (const button of document.querySelectorAll("[data-ob-copy]")) {
  const field = document.getElementById(button.dataset.obCopy);
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    field.select();
    button.parentElement.querySelector("[role=status]").textContent = "Copied.";
  });
}

// A page that waits for something looks again by itself, a few times; whoever reads on is not disturbed for longer.
const waiting = document.querySelector("[data-ob-again]");
if (waiting) {
  const looked = Number(new URLSearchParams(location.search).get("looked")) || 0;
  if (looked < Number(waiting.dataset.obAgain)) {
    setTimeout(() => {
      const next = new URL(location.href);
      next.searchParams.set("looked", String(looked + 1));
      location.replace(next);
    }, 1500);
  }
}
