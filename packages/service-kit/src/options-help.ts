/** `--help` and `.env.example`, written from the table. */
import { type Option, secretFileName } from './option.ts';
import type { OptionTable } from './options.ts';

interface HelpHead {
  /** The service as it is called, e.g. "search". */
  readonly name: string;
  readonly summary: string;
  /** Width of the text in characters; 80 when not given. */
  readonly columns?: number;
}

export function optionsHelp(table: OptionTable, head: HelpHead): string {
  const columns = Math.max(50, Math.min(head.columns ?? 80, 120));
  const names = Object.keys(table.options);
  const indent = 2 + Math.min(28, Math.max(0, ...names.map((name) => name.length))) + 2;
  const lines = [
    ...wrap(`ticket-stream ${head.name}: ${head.summary}`, columns),
    '',
    ...wrap(
      'Options are environment variables; "npm run" also reads them from a file .env. The OTEL_* variables of ' +
        'OpenTelemetry work as documented there.',
      columns,
    ),
    '',
  ];
  for (const [name, option] of Object.entries(table.options)) {
    const [first = '', ...rest] = wrap(`${option.text} ${facts(name, option)}`, columns - indent);
    if (name.length + 4 > indent) lines.push(`  ${name}`, `${' '.repeat(indent)}${first}`);
    else lines.push(`  ${name}`.padEnd(indent) + first);
    lines.push(...rest.map((line) => ' '.repeat(indent) + line));
  }
  return `${lines.join('\n')}\n`;
}

/** What the sentence leaves open: "(a whole number from 1 to 700; default 10)". */
function facts(name: string, option: Option<unknown>): string {
  const parts = option.kind === 'text' && option.expected === 'text' ? [] : [option.expected];
  if (option.secret) parts.push(`or its file in ${secretFileName(name)}`);
  if (option.required === true) parts.push('required');
  if (typeof option.required === 'function') parts.push('required depending on other options');
  if (option.defaultText !== undefined) parts.push(`default ${option.defaultText}`);
  else if (option.example !== undefined) parts.push(`e.g. ${option.example}`);
  return parts.length === 0 ? '' : `(${parts.join('; ')})`;
}

/** Words that fit `columns`; a word longer than a line stands on a line of its own. */
function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  if (line !== '') lines.push(line);
  return lines;
}

/**
 * A block of `.env.example`: every option as a comment, so that a copy of the file changes nothing by itself.
 * @param leaveOut  options that another block of the same file has already
 */
export function optionsEnvExample(table: OptionTable, leaveOut: ReadonlySet<string> = new Set()): string {
  const blocks = Object.entries(table.options)
    .filter(([name]) => !leaveOut.has(name))
    .map(([name, option]) => {
      const comment = wrap(`${option.text} ${facts(name, option)}`, 98).map((line) => `# ${line}`);
      return [...comment, `# ${name}=${option.defaultText ?? option.example ?? ''}`].join('\n');
    });
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}
