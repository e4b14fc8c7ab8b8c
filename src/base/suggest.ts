import leven from 'leven';

/** The known word nearest to `word`, when it is near enough to be a slip of the hand. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = leven(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** A `hint` for an error options object: `did you mean 'x'?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): { hint?: string } {
  const candidate = nearest(word, known);
  return candidate === undefined ? {} : { hint: `did you mean '${candidate}'?` };
}
