import { InvalidArgumentError } from 'commander';

/** For commander: digits alone, within the bounds. */
export function wholeNumber(min: number, max = 999_999_999): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (/^\d+$/.test(given) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}
