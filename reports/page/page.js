// What moves in the page. Without it everything is there and in order; nothing outside the page is asked for.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const calm = matchMedia("(prefers-reduced-motion: reduce)");
document.documentElement.classList.add("scripted");
for (const each of all(".needs-script")) each.hidden = false;

// A picture is embedded once; its copies are made from it.
for (const place of all("[data-of]")) {
  const copy = document.getElementById(place.dataset.of).cloneNode();
  copy.removeAttribute("id");
  copy.alt = place.dataset.alt;
  place.replaceWith(copy);
}

// Filters: what a box stands for is hidden wherever it is named, and the address remembers it.
const filters = document.querySelector(".filters");
const boxes = all("input", filters);
const filtered = all("[data-prior], [data-problem], [data-image]");

function filter() {
  const off = boxes.filter(box => !box.checked);
  for (const each of filtered) each.hidden = each.disabled = off.some(box => each.dataset[box.name] === box.value);
  for (const select of all("select")) choose(select);
  const counts = ["prior", "problem", "image"].map(name => [name, off.filter(box => box.name === name).length]);
  const told = counts.filter(([, n]) => n).map(([name, n]) => `${n} ${name}${n > 1 ? "s" : ""}`).join(", ");
  filters.querySelector("[role=status]").textContent = told ? `Hidden: ${told}` : "Nothing is hidden";
  filters.querySelector("button").hidden = !told;
  filters.classList.toggle("active", Boolean(told));
  return off;
}

function choose(select) {
  if (!select.selectedOptions[0]?.disabled) return;
  select.value = [...select.options].find(option => !option.disabled)?.value ?? select.value;
  select.dispatchEvent(new Event("change"));
}

function remember(off) {
  const hidden = new URLSearchParams(off.map(box => [box.name, box.value]));
  history.replaceState(null, "", off.length ? `#hide&${hidden}` : location.href.split("#")[0]);
}

function recall() {
  if (!location.hash.startsWith("#hide&")) return;
  const hidden = new URLSearchParams(location.hash.slice(1));
  for (const box of boxes) box.checked = !hidden.getAll(box.name).includes(box.value);
  filter();
}

for (const box of boxes) box.addEventListener("change", () => remember(filter()));
filters.querySelector("button").addEventListener("click", () => {
  for (const box of boxes) box.checked = true;
  remember(filter());
  filters.querySelector("summary").focus();
});
addEventListener("hashchange", recall);

// Tables: a press on the head of a column sorts the priors within each problem, a second one the other way round.
for (const head of all("th[data-first]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.append(...head.childNodes);
  head.append(button);
  head.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => sort(head));
}

function sort(head) {
  const first = head.dataset.first, other = { ascending: "descending", descending: "ascending" }[first];
  const order = head.getAttribute("aria-sort") === first ? other : first;
  const table = head.closest("table"), sign = order === "ascending" ? 1 : -1;
  for (const each of all("[aria-sort]", table)) each.setAttribute("aria-sort", each === head ? order : "none");
  const value = row => row.querySelector(`[data-column="${head.dataset.column}"]`)?.dataset.value || NaN;
  for (const body of table.tBodies) {
    const rows = all("tr[data-prior]", body).map(row => [row, Number(value(row))]);
    rows.sort(([, a], [, b]) => isNaN(a) - isNaN(b) || sign * (a - b)); // what has no number stays last
    body.append(...rows.map(([row]) => row));
  }
}

// Compare: two pictures of one image in one place, and a divide between them.
for (const figure of all(".compare")) {
  const [image, ...sides] = all("select", figure), labels = all("output span", figure);
  const stage = figure.querySelector(".stage"), divide = figure.querySelector("input"), shown = [new Image(), new Image()];
  const show = () => sides.forEach((side, i) => {
    const picture = document.getElementById(`${image.value}-${side.value}`);
    const score = picture.closest("td").querySelector(".score")?.textContent ?? "";
    shown[i].hidden = picture.tagName !== "IMG";
    shown[i].src = picture.src ?? "";
    shown[i].alt = picture.alt ?? picture.getAttribute("aria-label");
    labels[i].textContent = `${["Left", "Right"][i]}: ${side.selectedOptions[0].text}${score && `, ${score}`}`;
  });
  const place = () => stage.style.setProperty("--at", `${divide.value}%`);
  const drag = event => {
    if (!event.buttons) return;
    const box = stage.getBoundingClientRect();
    divide.value = 100 * (event.clientX - box.left) / box.width;
    place();
  };
  stage.append(...shown);
  for (const select of [image, ...sides]) select.addEventListener("change", show);
  divide.addEventListener("input", place);
  stage.addEventListener("pointerdown", drag);
  stage.addEventListener("pointermove", drag);
  show();
  place();
}

// Zoom: the same region of all pictures of an image, moved by pointer, finger or arrow keys.
const blocks = all(".grid tbody");
const zoom = (block, on) => {
  block.classList.toggle("zoomed", on);
  block.querySelector(".zoom").setAttribute("aria-pressed", on);
};

for (const block of blocks) {
  const at = [50, 50], steps = { ArrowLeft: [-5, 0], ArrowRight: [5, 0], ArrowUp: [0, -5], ArrowDown: [0, 5] };
  const look = (...where) => where.forEach((value, i) => {
    at[i] = Math.min(Math.max(value, 0), 100);
    block.style.setProperty(["--x", "--y"][i], `${at[i]}%`);
  });
  const follow = event => {
    const box = event.target.closest(".frame")?.getBoundingClientRect();
    if (box) look(100 * (event.clientX - box.left) / box.width, 100 * (event.clientY - box.top) / box.height);
    return Boolean(box);
  };
  const isOn = () => block.classList.contains("zoomed");
  const button = block.querySelector(".zoom");
  look(50, 50);
  button.addEventListener("click", () => zoom(block, !isOn()));
  button.addEventListener("keydown", event => {
    if (!isOn() || !(event.key in steps)) return;
    event.preventDefault();
    look(...steps[event.key].map((step, i) => at[i] + step));
  });
  block.addEventListener("pointermove", event => isOn() && follow(event));
  block.addEventListener("click", event => follow(event) && zoom(block, event.pointerType === "touch" || !isOn()));
}
addEventListener("keydown", event => event.key === "Escape" && blocks.forEach(block => zoom(block, false)));

// Flicker: two samples of one measurement in one place.
for (const button of all(".flicker button")) {
  const pair = all(".pair > div", button.closest(".flicker"));
  const swap = () => pair.forEach(sample => sample.classList.toggle("away"));
  let timer = 0;
  button.addEventListener("click", () => {
    if (timer) timer = clearInterval(timer);
    else {
      swap();
      if (!calm.matches) timer = setInterval(swap, 500); // calm: each press shows the other sample, and nothing moves by itself
    }
    button.setAttribute("aria-pressed", Boolean(timer));
  });
}

recall();
