// How things look: pictures, bars, curves and the plane.

export const all = (selector, within = document) => [...within.querySelectorAll(selector)];
export const find = (selector, within = document) => within.querySelector(selector);
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const rgb = text => [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));
const UNMEASURED = [242, 193, 154]; // a tint that no grey picture has

// Noise of level sigma reaches far beyond black and white: how much it is shrunk towards the middle to be seen.
export const shrunk = sigma => 1 / Math.sqrt(1 + (sigma / 0.3) ** 2);

// A picture of grey values from 0 to 1; hidden pixels, where there are any, are tinted.
export function picture(canvas, values, hidden = null) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < canvas.width * canvas.height; i++) {
    const grey = 255 * Math.min(Math.max(values[i], 0), 1);
    image.data.set(hidden?.[i] ? UNMEASURED : [grey, grey, grey], 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

export const blank = canvas => canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);

// Ten bars: shares by label, and ticks where the exact ones are known.
export function bars(place, shares, exact = null) {
  if (!place.children.length) {
    for (const label of shares.keys()) place.insertAdjacentHTML("beforeend", `<span><i><b></b><u></u></i>${label}</span>`);
    place.setAttribute("role", "img");
  }
  [...shares].forEach(([label, share], i) => {
    const bar = place.children[i];
    bar.style.setProperty("--share", share);
    bar.style.setProperty("--exact", exact?.get(label) ?? 0);
    find("u", bar).hidden = !(exact?.get(label) >= 0.002);
  });
  const told = [...shares].filter(([, share]) => share >= 0.005).map(([label, share]) => `${label}: ${percent(share)}`);
  place.setAttribute("aria-label", told.join(", "));
}

export const short = value => Number(value.toPrecision(value < 0.1 ? 2 : 3)).toString();
export const percent = share => `${(100 * share).toFixed(share > 0.0005 && share < 0.0095 ? 1 : 0)} %`;
export const likeliest = shares => [...shares].reduce((best, each) => each[1] > best[1] ? each : best);

const escaped = text => text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`);
// Lines on a logarithmic scale, each { name, colour, values, dashed }: value i stands at the share place(i, n) of the width. ``marked``
// is the share where a line stands, if one does. Drawn as wide as its spot is.
function lines(spot, height, series, place, told, marked = null) {
  const positive = series.flatMap(each => each.values).filter(value => value > 1e-6);
  const left = 38, right = spot.clientWidth || 320, top = 6, bottom = height - 24;
  if (!positive.length) return spot.replaceChildren();
  const high = Math.log10(Math.max(...positive)), low = Math.max(Math.log10(Math.min(...positive)), high - 3), span = Math.max(high - low, 0.3);
  const x = share => (left + (right - left) * share).toFixed(1);
  const y = value => (top + (bottom - top) * (high - Math.max(Math.log10(Math.max(value, 1e-9)), low)) / span).toFixed(1);
  const path = values => values.map((value, i) => `${i ? "L" : "M"}${x(place(i, values.length))} ${y(value)}`).join("");
  const drawn = series.map(each => `<path d="${path(each.values)}" stroke="${each.colour}"${each.dashed ? ' stroke-dasharray="5 4"' : ""}/>`);
  const names = series.map((each, i) => `<tspan fill="${each.colour}"${i ? ' dx="10"' : ""}>${each.dashed ? "╌ " : ""}${escaped(each.name)}</tspan>`);
  const ticks = [high, low].map(value => `<text x="${left - 6}" y="${Number(y(10 ** value)) + 4}" text-anchor="end">${short(Number((10 ** value).toPrecision(1)))}</text>`);
  const mark = marked === null ? "" : `<path class="cursor-line" d="M${x(marked)} 2V${bottom}"/>`;
  spot.innerHTML = `<svg class="curves" viewBox="0 0 ${right} ${height}" role="img" aria-label="${escaped(told)}">` +
    `<path class="axis" d="M${left} ${bottom}H${right}"/>${ticks.join("")}${drawn.join("")}${mark}<text x="${left}" y="${height - 5}">${names.join("")}</text></svg>`;
}

// Against the levels of a chain, from the first to the last.
export const curves = (spot, series, told, marked) => lines(spot, 130, series, (i, n) => i / Math.max(n - 1, 1), told, marked);

// Against frequencies, coarse to fine.
export function loglog(spot, f, series, told) {
  const span = Math.log(f.at(-1) / f[0]) || 1;
  lines(spot, 170, series, i => Math.log(f[i] / f[0]) / span, told);
}

// A density on a square grid as a picture of its own, in the colours of the page.
export function underground(found) {
  const canvas = document.createElement("canvas"), side = Math.sqrt(found.length), top = found.reduce((a, b) => Math.max(a, b));
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d"), image = context.createImageData(side, side), ink = rgb(colour("muted"));
  found.forEach((value, i) => image.data.set([...ink, 200 * (value / top) ** 0.6], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

// The unit square on a canvas, with the density under it, the measured line, arrows of this step, and dots.
export function plane(canvas, { under, line, arrows, dots, tint }) {
  const context = canvas.getContext("2d"), side = canvas.width, at = ([a, b]) => [side * a, side * (1 - b)];
  context.fillStyle = colour("wash");
  context.fillRect(0, 0, side, side);
  if (line) band(context, side, line);
  context.imageSmoothingEnabled = true;
  context.drawImage(under, 0, 0, side, side);
  context.strokeStyle = context.fillStyle = tint;
  context.globalAlpha = 0.55;
  context.lineWidth = 1.5;
  for (const [from, to] of arrows) {
    context.beginPath();
    context.moveTo(...at(from));
    context.lineTo(...at(to));
    context.stroke();
  }
  context.globalAlpha = 0.8;
  for (const dot of dots) {
    context.beginPath();
    context.arc(...at(dot), 3.4, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

// The measured line, as wide as the noise: two standard deviations to both sides.
function band(context, side, { angle, offset, noise }) {
  context.save();
  context.translate(side / 2, side / 2);
  context.rotate(-angle);
  context.fillStyle = context.strokeStyle = colour("data");
  context.globalAlpha = 0.12;
  context.fillRect(side * (offset - 2 * noise), -side, 4 * side * noise, 2 * side);
  context.globalAlpha = 0.9;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(side * offset, -side);
  context.lineTo(side * offset, side);
  context.stroke();
  context.restore();
}
