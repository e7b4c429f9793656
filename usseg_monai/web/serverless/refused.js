/** An answer that is a reason instead of a result. */
export class Refused extends Error {}
