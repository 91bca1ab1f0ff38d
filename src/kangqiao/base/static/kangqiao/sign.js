/* Signatures by hand. In each [data-sign-pad] the strokes drawn on the canvas stand in the hidden field, as the path of
   an SVG drawing of 600 by 200 units; what stands there already is drawn again. */
(() => {
  "use strict";
  const WIDTH = 600, HEIGHT = 200, LONGEST = 12000;
  const strokes = (path) => path.split("M").filter(Boolean).map((one) => one.split("L").map((point) => point.split(" ").map(Number)));
  for (const pad of document.querySelectorAll("[data-sign-pad]")) {
    const canvas = pad.querySelector("canvas"), field = pad.querySelector("input");
    const drawing = new SignaturePad(canvas, { penColor: "#101828", minWidth: 1, maxWidth: 2.6 });
    const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
    const across = () => WIDTH / canvas.clientWidth, down = () => HEIGHT / canvas.clientHeight;
    const told = () => drawing.toData().map(({ points }) => "M" + points.map(({ x, y }) => `${within(x * across(), WIDTH)} ${within(y * down(), HEIGHT)}`).join("L")).join("");
    const show = () => {
      const sharp = Math.max(window.devicePixelRatio || 1, 1);
      canvas.width = canvas.clientWidth * sharp;
      canvas.height = canvas.clientHeight * sharp;
      canvas.getContext("2d").scale(sharp, sharp);
      drawing.fromData(strokes(field.value).map((points) => ({ points: points.map(([x, y], time) => ({ x: x / across(), y: y / down(), pressure: 0.5, time: time * 16 })) })));
    };
    drawing.addEventListener("endStroke", () => {
      if (told().length > LONGEST) show(); else field.value = told();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    pad.querySelector("[data-sign-clear]").addEventListener("click", () => { field.value = ""; show(); field.dispatchEvent(new Event("input", { bubbles: true })); });
    show();
  }
})();
