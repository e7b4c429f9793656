// Numbers as Python formats them, so that messages are the same to the letter.

/** `f"{value:.{digits}f}"`: halves that are exact go to the even digit. */
export function fixed(value, digits) {
  const half = Math.abs(value) * 2 ** (digits + 1); // odd and whole where the decimal ends in an exact half
  if (half % 2 !== 1) return value.toFixed(digits);
  const scaled = value * 10 ** digits;
  const down = Math.floor(scaled);
  return ((down % 2 === 0 ? down : down + 1) / 10 ** digits).toFixed(digits);
}

/** `f"{value:.{digits}e}"` */
export function exponential(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits).split("e");
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

/** `f"{value:.{digits}g}"` */
export function general(value, digits = 6) {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return bare(value.toFixed(digits - 1 - exponent));
  const [mantissa, power] = exponential(value, digits - 1).split("e");
  return `${bare(mantissa)}e${power}`;
}
