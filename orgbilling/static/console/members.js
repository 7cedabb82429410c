// A list of members to choose from: typing shows those that match, and it says how many are chosen. Without this
// script the button beside the field finds them.
for (const list of document.querySelectorAll("[data-ob-members]")) {
  const search = list.querySelector("[data-ob-members-search]");
  const count = list.querySelector("[data-ob-members-count]");
  const rows = [...list.querySelectorAll("[data-ob-member]")];
  const boxes = rows.map((row) => row.querySelector("input"));
  const say = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    count.textContent = `${chosen} of ${rows.length} chosen`;
  };
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const row of rows) {
      row.hidden = !row.dataset.obMember.includes(wanted) && !row.querySelector("input").checked;
    }
  });
  // Enter in the search finds; it doesn't send the form away half filled in.
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      list.querySelector("button[name=search]").click();
    }
  });
  list.addEventListener("change", say);
  say();
}
