// The network's doubt in a measurement, as usseg_monai/measuring/result.py.

import { fixed, general } from "../measure/text.js";

export function withRemark(measurement, remark) {
  return { ...measurement, message: [measurement.message, remark].filter(Boolean).join("; ") };
}

export function judged(measurement, lowConfidence, { confidence = null, unlikeness = null }) {
  let { status } = measurement;
  const reasons = [measurement.message].filter(Boolean);
  if (confidence !== null && confidence < lowConfidence) {
    status = "low_confidence";
    reasons.unshift(`the expected Dice, ${fixed(confidence, 2)}, is below ${general(lowConfidence)}`);
  }
  if (unlikeness !== null && unlikeness > 1) {
    status = "unlike_training_data";
    reasons.unshift(`the image is unlike the training images (${general(unlikeness, 2)} times as far from them as the limit allows)`);
  }
  return { ...measurement, status, message: reasons.join("; "), confidence, unlikeness };
}
