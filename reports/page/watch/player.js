// A timeline with its buttons: play, one step back or on, and a slider that keys move too.
import { find } from "./paint.js";

// Sliders and buttons are heard while they move, lists when something is chosen from them; nothing is sent anywhere.
export function onDials(form, heard) {
  const isList = event => event.target.tagName === "SELECT";
  form.addEventListener("input", event => isList(event) || heard(event));
  form.addEventListener("change", event => isList(event) && heard(event));
  form.addEventListener("submit", event => event.preventDefault());
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Player {
  // show(at) draws a place; ready(at) tells whether it can be drawn yet; rest() is called when a place was come to by hand, or playing ends.
  constructor(timeline, { show, rest, ready = () => true, pause = 90 }) {
    Object.assign(this, { timeline, show, rest, ready, pause, at: 0, timer: 0 });
    this.slider = find("input", timeline);
    this.button = find("[data-play]", timeline);
    this.slider.addEventListener("input", () => { this.stop(); this.go(Number(this.slider.value)); });
    this.slider.addEventListener("change", rest);
    this.button.addEventListener("click", () => this.timer ? this.stop() : this.play());
    for (const [name, step] of [["back", -1], ["on", 1]]) {
      find(`[data-${name}]`, timeline).addEventListener("click", () => { this.stop(); this.go(this.at + step); rest(); });
    }
  }

  get last() { return Number(this.slider.max); }
  set last(value) {
    this.slider.max = value;
    this.at = Math.min(this.at, value);
  }

  go(at) {
    this.at = Math.min(Math.max(Math.trunc(at) || 0, 0), this.last);
    this.slider.value = this.at;
    this.show(this.at);
  }

  tell(words) {
    find("[data-where]", this.timeline).textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
  }

  play() {
    if (this.at === this.last) this.go(0);
    this.look(true);
    this.timer = setInterval(() => {
      if (!this.ready(this.at)) return;
      if (this.at === this.last) this.stop();
      else this.go(this.at + 1);
    }, calm.matches ? 600 : this.pause);
  }

  stop() {
    if (!this.timer) return;
    this.timer = clearInterval(this.timer);
    this.look(false);
    this.rest();
  }

  look(playing) {
    this.button.setAttribute("aria-pressed", playing);
    this.button.textContent = playing ? "Pause" : "Play";
  }
}
