// Gestational age from head circumference, as usseg_monai/tasks/fetal_head/growth.py, where the sources of the formulas stand.

export const HADLOCK_HC_MM = [68, 360];
export const INTERGROWTH_WEEKS = [14, 40];
const HADLOCK_ERRORS = [[144, 1.19], [219, 1.48], [280, 2.06], [325, 2.98], [HADLOCK_HC_MM[1], 3.2]];

/** [weeks, two standard deviations], or null outside the range. */
export function hadlock(hc) {
  if (!(HADLOCK_HC_MM[0] <= hc && hc <= HADLOCK_HC_MM[1])) return null;
  const cm = hc / 10;
  return [8.96 + 0.54 * cm + 0.0003 * cm ** 3, HADLOCK_ERRORS.find(([upTo]) => hc <= upTo)[1]];
}

/** [weeks, two standard deviations], or null outside the range. */
export function intergrowth(hc) {
  if (!(0 < hc && hc < 1000)) return null;
  const log = Math.log(hc);
  const weeks = Math.exp(0.0597 * log ** 2 + 6.409e-9 * hc ** 3 + 3.3258) / 7;
  if (!(INTERGROWTH_WEEKS[0] <= weeks && weeks <= INTERGROWTH_WEEKS[1])) return null;
  const weeksPerMm = weeks * ((2 * 0.0597 * log) / hc + 3 * 6.409e-9 * hc ** 2);
  const age = Math.log(weeks);
  const deviation = 1.98735 + weeks ** 3 * (0.0136772 - 0.00726264 * age + 0.000976253 * age ** 2);
  return [weeks, 2 * deviation * weeksPerMm];
}
