/** `npm run bench -- <name>`: progress on stderr, and as the last line of stdout one JSON object. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { allowance } from './allowance.bench.ts';
import type { Bench, BenchResult } from './bench.ts';
import { consume } from './consume.bench.ts';
import { leaks } from './leaks.bench.ts';
import { pageStream } from './page-stream.bench.ts';
import { pipeline } from './pipeline.bench.ts';
import { publish } from './publish.bench.ts';
import { replay } from './replay.bench.ts';

const benches: Readonly<Record<string, Bench>> = {
  pipeline,
  'page-stream': pageStream,
  publish,
  leaks,
  allowance,
  replay,
  consume,
};

const [name = ''] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  const list = Object.entries(benches).map(([each, { summary }]) => `  ${each.padEnd(12)} ${summary}`);
  process.stderr.write(`usage: npm run bench -- <name>\n\n${list.join('\n')}\n`);
  process.exit(2);
}

const result: BenchResult = await bench.run((line) => void process.stderr.write(`${line}\n`));
process.stdout.write(`${JSON.stringify({ name, machine: machine(), versions: versions(), ...result })}\n`);
process.exitCode = Object.values(result.targets).every(({ met }) => met) ? 0 : 1;

function machine(): object {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform} ${process.arch}`,
  };
}

function versions(): Record<string, string> {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  const of = (library: string): string => lock.packages[`node_modules/${library}`]?.version ?? 'unknown';
  return {
    node: process.versions.node,
    kafka: '4.4.0',
    sqlite: process.versions['sqlite'] ?? 'unknown',
    kafkajs: of('kafkajs'),
    undici: of('undici'),
    'stream-json': of('stream-json'),
  };
}
