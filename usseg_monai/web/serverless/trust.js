// The network's doubt in a measurement, as usseg_monai/measuring/result.py.

import { fixed, general } from "../measure/text.js";

export function withRemark(measurement, remark) {
  return { ...measurement, message: [measurement.message, remark].filter(Boolean).join("; ") };
}

export function judged(measurement, lowConfidence, { confidence = null, unlikeness = null, source_distance: distance = null }) {
  let { status } = measurement;
  const reasons = [measurement.message].filter(Boolean);
  if (confidence !== null && confidence < lowConfidence) {
    status = "low_confidence";
    reasons.unshift(`the expected Dice, ${fixed(confidence, 2)}, is below ${general(lowConfidence)}`);
  }
  if (unlikeness !== null && unlikeness > 1) {
    status = "unlike_training_data";
    reasons.unshift(`the image is unlike the training images (unlikeness ${general(unlikeness, 2)}, the limit is 1)`);
  } else if (distance !== null && distance > 1) {
    reasons.push(`not from the sources of the training images (distance ${general(distance, 2)}, the limit is 1): check a sample`);
  }
  return { ...measurement, status, message: reasons.join("; "), confidence, unlikeness, source_distance: distance };
}
