// One guidance at a time, chosen by a slider or the arrow keys. Without it all stand below each other.
const panel = document.querySelector(".ask");
const slider = panel.querySelector("input"), told = panel.querySelector("output"), way = panel.querySelector("select");
const figures = [...document.querySelectorAll(".asked")];
panel.hidden = false;

function show() {
  const mine = figures.filter(each => !way || each.dataset.way === way.value);
  slider.max = mine.length - 1;
  const chosen = mine[Math.min(slider.value, mine.length - 1)];
  for (const each of figures) each.hidden = each !== chosen;
  told.textContent = `w = ${chosen.dataset.w}`;
  slider.setAttribute("aria-valuetext", told.textContent);
}

slider.addEventListener("input", show);
way?.addEventListener("change", show);
show();
