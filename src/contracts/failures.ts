/**
 * The retry class of a failure lives in its type (style.md rule 8).
 * - transient: it did not happen; trying again may work.
 * - permanent: it did not happen and will not; do not try again.
 * - ambiguous: it may have happened; only reading back settles it.
 */
export type FailureClass = "transient" | "permanent" | "ambiguous";
