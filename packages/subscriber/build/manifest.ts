import { readFileSync } from 'node:fs';

/**
 * The package.json that is published, from the workspace's own: its name, version and words, the built entry, and
 * dependencies that another project can install.
 *
 * `@opentelemetry/api` is a peer: spans reach the tracer that the application registered only where both load an api
 * package of the same major and no newer minor, and no error tells when they do not. As a peer there is one copy, the
 * application's; npm and pnpm install it by themselves where there is none. Without an SDK it does nothing.
 *
 * `@types/node` is an optional peer: the types speak of Buffer and AbortSignal, and a project in JavaScript needs none.
 *
 * Node: zstd in `node:zlib` came with 22.15 and 23.8, `node:sqlite` without a flag with 22.13 and 23.4.
 */
export function packageManifest(workspaceManifest: string): object {
  const { name, version, description, license } = JSON.parse(
    readFileSync(workspaceManifest, 'utf8'),
  ) as Record<string, string>;
  return {
    name,
    version,
    description,
    license,
    keywords: ['zendesk', 'kafka', 'tickets', 'subscriber', 'consumer', 'cloudevents', 'exactly-once'],
    type: 'module',
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    files: ['dist', 'THIRD-PARTY-LICENSES.txt'],
    sideEffects: false,
    engines: { node: '^22.15.0 || >=24.0.0' },
    peerDependencies: { '@opentelemetry/api': '^1.9.0', '@types/node': '>=22' },
    peerDependenciesMeta: { '@types/node': { optional: true } },
    publishConfig: { access: 'public' },
  };
}
