/**
 * Finds variables that were meant to be options: ZENDESK_TOKEN for ZENDESK_API_TOKEN, KAFKA_BROKER for KAFKA_BROKERS.
 * Only names that share their first word with an option are looked at: the environment is full of other people's.
 */
export function optionNearMisses(
  options: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly name: string; readonly meant: string }[] {
  const known = new Set(options);
  return Object.keys(env)
    .filter((name) => !known.has(name) && env[name] !== undefined && env[name].trim() !== '')
    .flatMap((name) => {
      const candidates = options
        .filter((option) => firstWord(option) === firstWord(name) && option.includes('_'))
        .map((option) => ({ option, distance: distance(name, option) }))
        .filter(({ option, distance }) => isSlip(distance, option) || sameWordsButOne(name, option))
        .sort((a, b) => a.distance - b.distance);
      const nearest = candidates[0];
      return nearest === undefined ? [] : [{ name, meant: nearest.option }];
    });
}

function firstWord(name: string): string {
  return name.slice(0, name.indexOf('_') + 1).toUpperCase();
}

/** Two letters of API_TOKEN are a slip; two letters of PORT make another word (HOST). */
function isSlip(distance: number, option: string): boolean {
  return distance <= 2 && distance * 3 <= option.length - firstWord(option).length;
}

/** One name is the other without one of its words, or with a word cut short. */
function sameWordsButOne(name: string, option: string): boolean {
  const [shorter, longer] = [name.toUpperCase().split('_'), option.split('_')].sort(
    (a, b) => a.length - b.length,
  );
  if (shorter === undefined || longer === undefined || shorter.length < 2) return false;
  if (shorter.length === longer.length)
    return shorter.every((word, at) => word.startsWith(longer[at] ?? word) || longer[at]?.startsWith(word));
  if (longer.length !== shorter.length + 1) return false;
  return longer.some((_, at) => longer.toSpliced(at, 1).join('_') === shorter.join('_'));
}

/** Edits (insert, drop, replace one character) between two names, cut off above the length of a name. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
