// Values as people read them.

export const NOTHING = "–";

/** A number with four significant digits. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return NOTHING;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(2);
  return value.toLocaleString("en", { maximumSignificantDigits: size >= 10000 ? 9 : 4, maximumFractionDigits: 6 });
}

export function count(value, most = Infinity) {
  return value >= most ? `${most.toLocaleString("en")}+` : value.toLocaleString("en");
}

export function percent(value, digits = 0) {
  return value === null || value === undefined ? NOTHING : `${(100 * value).toFixed(digits)} %`;
}

export function seconds(value) {
  if (value === null || value === undefined) return NOTHING;
  if (value < 1) return `${number(Number((1000 * value).toPrecision(3)))} ms`;
  if (value < 120) return `${number(Number(value.toPrecision(3)))} s`;
  return value < 7200
    ? `${number(Number((value / 60).toPrecision(3)))} min`
    : `${number(Number((value / 3600).toPrecision(3)))} h`;
}

export function bytes(value) {
  if (value === null || value === undefined) return NOTHING;
  const power = Math.min(5, Math.max(0, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  return `${number(Number((value / 1024 ** power).toPrecision(3)))} ${["B", "KiB", "MiB", "GiB", "TiB", "PiB"][power]}`;
}

/** A target in the unit that its name tells. */
export function target(name, value) {
  if (name.endsWith("_seconds")) return seconds(value);
  return name.endsWith("_bytes") ? bytes(value) : number(value);
}

/** Any JSON value in a line. */
export function json(value) {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

const STEPS = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Infinity, "year"],
];

/** "3 hours ago". */
export function ago(time) {
  if (!time) return NOTHING;
  let amount = Math.max(0, (Date.now() - new Date(time)) / 1000);
  for (const [step, unit] of STEPS) {
    if (amount < step)
      return amount < 10 && unit === "second"
        ? "just now"
        : `${Math.floor(amount)} ${unit}${Math.floor(amount) === 1 ? "" : "s"} ago`;
    amount /= step;
  }
  return NOTHING;
}

export function moment(time) {
  return time ? new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : NOTHING;
}

/** "n runs", "1 run". */
export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Nested objects as paths with dots, as the API names parameters. */
export function flatten(object, prefix = "") {
  return Object.entries(object ?? {}).flatMap(([name, value]) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? flatten(value, `${prefix}${name}.`)
      : [[prefix + name, value]],
  );
}
