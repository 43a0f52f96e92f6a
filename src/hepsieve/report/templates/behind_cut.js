"use strict";
// Counted scores turned into the figures of a cut. Each formula stands in evaluate/ too, with its source; tests hold the
// two together.
const behindCut = (() => {
  const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  const logGamma = (x) => {
    const t = x + 6.5;
    const sum = LANCZOS.reduce((total, term, k) => (k ? total + term / (x - 1 + k) : term), 0);
    return 0.91893853320467274 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
  };
  // The continued fraction of the incomplete beta function, by Lentz's method.
  const fraction = (a, b, x) => {
    const away = (value) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
    let c = 1, d = 1 / away(1 - ((a + b) * x) / (a + 1)), h = d;
    for (let m = 1; m < 20000; m += 1) {
      const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / away(1 + even * d);
      c = away(1 + even / c);
      h *= d * c;
      const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / away(1 + odd * d);
      c = away(1 + odd / c);
      h *= d * c;
      if (Math.abs(d * c - 1) < 1e-15) break;
    }
    return h;
  };
  // The distribution function of beta(a, b) at x, and its logarithmic density.
  const beta = (a, b) => {
    const scale = logGamma(a + b) - logGamma(a) - logGamma(b);
    const power = (x) => scale + a * Math.log(x) + b * Math.log1p(-x);
    return {
      below: (x) => (x < (a + 1) / (a + b + 2)
        ? (Math.exp(power(x)) * fraction(a, b, x)) / a
        : 1 - (Math.exp(power(x)) * fraction(b, a, 1 - x)) / b),
      density: (x) => Math.exp(power(x) - Math.log(x) - Math.log1p(-x)),
    };
  };
  // Newton's steps, and halves where they would leave the bracket.
  const quantile = (a, b, wanted) => {
    const { below, density } = beta(a, b);
    let low = 0, high = 1, x = a / (a + b);
    for (let step = 0; step < 200; step += 1) {
      const excess = below(x) - wanted;
      if (excess > 0) high = x;
      else low = x;
      const next = x - excess / density(x);
      const inside = next > low && next < high ? next : (low + high) / 2;
      if (Math.abs(inside - x) <= 1e-14 * x) return inside;
      x = inside;
    }
    return x;
  };
  const clopperPearson = (share, n) => {
    if (!(n > 0)) return [0, 1];
    const passed = Math.min(Math.max(share, 0), 1) * n, failed = n - passed;
    return [passed > 0 ? quantile(passed, failed + 1, 0.025) : 0, failed > 0 ? quantile(passed + 1, failed, 0.975) : 1];
  };
  const curved = (x) => {
    if (x >= 0.01) return 1 - Math.log1p(x) / x;
    let series = 0;
    for (let k = 9; k > 1; k -= 1) series = x * (1 / k - series);
    return series;
  };
  // Eq. (97) of arXiv:1007.1727, with an uncertain background as in G. Cowan's note of 2012.
  const asimov = (signal, background, uncertainty) => {
    const s = Math.max(signal, 0), b = Math.max(background, 0), variance = (uncertainty * b) ** 2;
    if (!(s > 0)) return 0;
    if (!(b > 1e-200)) return Infinity;
    const spread = b + variance, x = s / (spread + (s * variance) / b), y = (variance / b) * (s / spread);
    const ratio = s < b
      ? s * (b / spread) * (curved(y) + x) - (s + b) * x * curved(x)
      : (s + b) * Math.log1p(x) - s * (b / spread) * (1 - curved(y));
    return Math.sqrt(Math.max(2 * ratio, 0));
  };
  const purity = (s, b) => (Math.max(s, 0) + Math.max(b, 0) > 0 ? Math.max(s, 0) / (Math.max(s, 0) + Math.max(b, 0)) : NaN);

  // --- Figures of a cut.
  const UNDEFINED = { value: null, low: null, high: null };
  const finite = (value) => (Number.isFinite(value) ? value : null);
  const passing = (between) => {
    let sum = 0;
    return between.map((_, k) => (sum += between[between.length - 1 - k])).reverse();
  };
  // From what lies between the edges to what passes each of them.
  const add = (side) => {
    side.events = passing(side.events || side.weight);
    side.squares = passing(side.squares || side.weight);
    side.weight = passing(side.weight);
  };
  // The effective number of events behind a share: Kish's, or fewer where few of large weight decide.
  const decidingEvents = (share, total, squares, passed) => {
    const kish = squares > 0 ? total ** 2 / squares : 0;
    const variance = ((1 - share) ** 2 * passed + share ** 2 * (squares - passed)) / total ** 2;
    return share > 0 && share < 1 && variance > 0 ? Math.min(kish, (share * (1 - share)) / variance) : kish;
  };
  const efficiency = (side, k) => {
    const total = side.weight[0];
    if (!(total > 0)) return UNDEFINED;
    const value = side.weight[k] / total;
    const [low, high] = clopperPearson(value, decidingEvents(value, total, side.squares[0], side.squares[k]));
    return { value, low: Math.min(low, value), high: Math.max(high, value) };
  };
  // Of less than one effective event the lower end is no limit of anything.
  const rejection = ({ value, low, high }) => {
    if (value === null) return UNDEFINED;
    const least = high > 0 ? 1 / high : null;
    return value > 0 ? { value: 1 / value, low: least, high: low > 0.024 * value ? 1 / low : null } : { value: null, low: least, high: null };
  };
  const scaled = ({ value, low, high }, total) => (value === null ? UNDEFINED : { value: value * total, low: low * total, high: high * total });
  const combined = (s, b, figure, most) => {
    if (s.value === null || b.value === null) return UNDEFINED;
    const value = finite(figure(s.value, b.value));
    if (value === null || !(b.value > 0)) return { value: null, low: finite(figure(s.low, b.high)), high: null };
    const low = value - Math.hypot(value - figure(s.low, b.value), value - figure(s.value, b.high));
    const high = value + Math.hypot(figure(s.high, b.value) - value, figure(s.value, b.low) - value);
    return { value, low: Math.max(low, 0), high: finite(Math.min(high, most)) };
  };
  // The figures of one part of the data at its edge k; yields are before the cut, background first.
  const figures = ([background, signal], k, yields, uncertainty) => {
    const kept = efficiency(signal, k), passed = efficiency(background, k);
    const s = scaled(kept, yields[1]), b = scaled(passed, yields[0]);
    return {
      signal_efficiency: kept,
      background_efficiency: passed,
      background_rejection: rejection(passed),
      expected_signal: s,
      expected_background: b,
      purity: combined(s, b, purity, 1),
      significance: combined(s, b, (x, y) => asimov(x, y, uncertainty), Infinity),
    };
  };

  // --- Numbers to text, as in the tables of the page.
  const number = (value, decimals) => {
    const text = value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return (/[1-9]/.test(text) ? text : text.replace("-", "")).replace("-", "−");
  };
  const power = (value) => Math.floor(Math.log10(Math.abs(value)));
  const decimalsFor = ({ value, low, high }, digits) => {
    const scale = low !== null && high !== null && high > low ? (high - low) / 2 : Math.abs(value || low || 0) / 10 || 1;
    const decimals = Math.max(digits - 1 - power(scale), 0);
    return Math.min(decimals <= 4 ? decimals : Math.max(4, decimals - 1), 6);
  };
  const intervalText = ({ low, high }, places) => {
    if (low === null) return high === null ? "" : `(< ${number(high, places)})`;
    return high === null ? `(> ${number(low, places)})` : `(${number(low, places)}–${number(high, places)})`;
  };
  const textOf = (quantity) => {
    const { value, low, high } = quantity;
    if (value === 0 && low === 0 && high) return ["0", `(0–${number(high, decimalsFor(quantity, 2))})`];
    if (value !== null) {
      const places = decimalsFor(quantity, 2);
      return [number(value, places), intervalText(quantity, places)];
    }
    if (low === null) return ["–", ""];
    return [`> ${number(low, low ? Math.max(2 - power(low), 0) : 0)}`, ""];
  };
  const count = (value) => number(value, Number.isInteger(value) ? 0 : Math.max(0, Math.min(3, 3 - power(value || 1))));
  return { add, figures, number, power, count, textOf };
})();
