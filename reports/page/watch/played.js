// Stored chains, played back: two of one measurement, level by level.
import { curves, find, loglog, short } from "./paint.js";
import { Player, onDials } from "./player.js";

if (find("#played")) {
  const { scenes, chains } = JSON.parse(find("#chains").textContent);
  const section = find("#played"), form = find("form", section), select = name => form.elements[name];
  const COLOURS = { a: "var(--ink)", b: "var(--muted)" }, WORDS = { a: "above", b: "below" }, SIDES = ["a", "b"];
  const player = new Player(find("[data-timeline]", section), { show, rest: remember, pause: 160 });

  // A chain and one of its samples, as an option "3.0".
  const chosen = side => {
    const [number, sample] = select(side).value.split(".").map(Number);
    return { chain: chains[number], sample, own: chains[number].samples[sample] };
  };
  const name = ({ chain, sample }) => `${chain.prior}, ${chain.method}${chain.samples.length > 1 ? `, sample ${sample + 1}` : ""}`;
  const level = (chain, at) => Math.round(at / Math.max(player.last, 1) * (chain.sigmas.length - 1));

  const decoded = new Map();
  const image = source => {
    if (!decoded.has(source)) {
      decoded.set(source, new Image());
      decoded.get(source).src = source;
    }
    return decoded.get(source);
  };

  // A tile of a sheet of pictures, once it is decoded.
  function tile(canvas, source, place, { columns, rows, row }, at) {
    const sheet = image(source);
    if (!sheet.complete || !sheet.naturalWidth) return sheet.addEventListener("load", () => player.at === at && show(at), { once: true });
    const width = sheet.naturalWidth / columns, height = width * canvas.ratio;
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext("2d").drawImage(sheet, width * (place % columns), height * (rows * Math.floor(place / columns) + row), width, height, 0, 0, width, height);
  }

  function showSide(side, at) {
    const place = find(`[data-side=${side}]`, section), { chain, sample, own } = chosen(side), k = level(chain, at);
    find("h3 span", place).textContent = name({ chain, sample });
    ["noisy", "believed", "measured"].forEach((kind, row) => {
      const canvas = find(`[data-kind=${kind}]`, place);
      canvas.ratio = chain.ratio;
      tile(canvas, own.sheet, k, { columns: chain.columns, rows: 3, row }, at);
    });
    const spread = find("[data-kind=spread]", place);
    spread.ratio = chain.ratio;
    spread.closest("figure").hidden = !chain.spread;
    if (chain.spread) {
      tile(spread, chain.spread.sheet, k, { columns: chain.columns, rows: 1, row: 0 }, at);
      spread.nextElementSibling.textContent = `where ${chain.drawn} samples differ, 0 to ${short(chain.spread.top)}`;
    }
    const { noisy, believed, measured } = own.spectra, truth = scenes[chain.scene].spectrum;
    loglog(find("[data-spectrum]", place), chain.f, [
      { name: "truth", colour: "var(--ink)", values: truth, dashed: true }, { name: "x", colour: "var(--muted)", values: noisy[k] },
      { name: "x0", colour: "var(--prior)", values: believed[k] }, { name: "z", colour: "var(--data)", values: measured[k] },
    ], "Amplitude of truth, noisy, believed and measured picture against frequency");
    const heuristic = chain.heuristic ? "This prior does not answer with the average of what may lie under the noise: its samples are a heuristic. " : "";
    const other = chain.repeated ? "" : "This run did not end on the stored answer: code, weights or libraries have changed since. ";
    find("[data-told]", place).textContent = `${heuristic}${other}`;
    return `level ${chain.levels[k] + 1} of ${chain.planned}, σ = ${short(chain.sigmas[k])}`;
  }

  function show(at) {
    const told = SIDES.map(side => showSide(side, at));
    player.tell(told[0] === told[1] ? told[0] : told.join(" · "));
    const sides = SIDES.map((side, i) => ({ ...chosen(side), name: WORDS[side], colour: COLOURS[side], dashed: i === 1 })), marked = at / Math.max(player.last, 1);
    const errors = sides.map(each => ({ ...each, values: each.own.error }));
    curves(find("[data-curves=error]", section), errors, "Root mean square error of what is believed, level by level", marked);
    const spreads = sides.filter(each => each.chain.spread).map(each => ({ ...each, values: each.chain.spread.values }));
    find("[data-head=spread]", section).parentElement.hidden = !spreads.length;
    curves(find("[data-curves=spread]", section), spreads.slice(0, sides[0].chain === sides[1].chain ? 1 : 2), "Root mean square spread over the samples, level by level", marked);
  }

  // The chains of a scene in both lists; a side keeps its prior, method and sample where it can, else the first stands above, the last below.
  function listed() {
    const scene = Number(select("scene").value), here = chains.map((chain, i) => [chain, i]).filter(([chain]) => chain.scene === scene);
    const options = here.flatMap(([chain, i]) => chain.samples.map((_, sample) => [name({ chain, sample }), `${i}.${sample}`]));
    SIDES.forEach((side, i) => {
      const before = select(side).selectedOptions[0]?.text, kept = options.findIndex(([words]) => words === before);
      select(side).replaceChildren(...options.map(([words, value]) => new Option(words, value)));
      select(side).selectedIndex = kept >= 0 ? kept : i * (options.length - 1);
    });
    const { truth, shown } = scenes[scene];
    find("[data-scene=truth]", section).src = truth;
    find("[data-scene=shown]", section).src = shown;
  }

  function fitted() {
    player.last = Math.max(...SIDES.map(side => chosen(side).chain.sigmas.length)) - 1;
  }

  function changed() {
    const share = player.at / Math.max(player.last, 1);
    fitted();
    player.go(Math.round(share * player.last));
  }

  function remember() {
    const said = new URLSearchParams([["scene", select("scene").value], ...SIDES.map(side => [side, select(side).value]), ["at", player.at]]);
    history.replaceState(null, "", `#played&${said}`);
  }

  function recall() {
    const said = new URLSearchParams(location.hash.startsWith("#played&") ? location.hash.slice(8) : "");
    const choose = (name, value) => { if ([...select(name).options].some(option => option.value === value)) select(name).value = value; };
    choose("scene", said.get("scene"));
    listed();
    for (const side of SIDES) choose(side, said.get(side));
    fitted();
    player.go(said.has("at") ? Number(said.get("at")) : Math.round(player.last / 2));
    if (said.has("at")) section.scrollIntoView();
  }

  select("scene").replaceChildren(...scenes.map((scene, i) => new Option(`${scene.problem}, ${scene.image}`, i)));
  find(".scenes", section).hidden = scenes.length === 1;
  onDials(form, event => {
    if (event.target.name === "scene") listed();
    changed();
    remember();
  });
  addEventListener("hashchange", () => location.hash.startsWith("#played&") && recall());
  recall();
}
