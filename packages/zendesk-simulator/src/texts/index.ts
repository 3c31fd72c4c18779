import { arabic } from './arabic.ts';
import { english } from './english.ts';
import { french } from './french.ts';
import { german } from './german.ts';
import { japanese } from './japanese.ts';
import type { Language } from './language.ts';
import { spanish } from './spanish.ts';
import { thai } from './thai.ts';

/** By weight: how much of the help desk's mail comes in each language. */
export const languages: readonly (readonly [number, Language])[] = [
  [44, english],
  [16, german],
  [12, french],
  [12, spanish],
  [7, japanese],
  [4, thai],
  [5, arabic],
];
