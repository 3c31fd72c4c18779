import { readFileSync } from 'node:fs';

/** The blocks of one language in a page of Markdown, in order. */
export function readmeBlocks(path: string, language: string): string[] {
  const blocks = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return [...readFileSync(path, 'utf8').matchAll(blocks)].map(([, text]) => text ?? '');
}
