import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** PEM; the key is PKCS #8, as Kafka and Node both take it. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

interface Subject {
  /** The certificate's CN. */
  readonly name: string;
  /** As `subjectAltName` has them: `DNS:localhost`, `IP:127.0.0.1`. */
  readonly altNames?: readonly string[];
  /** Ended a day ago. */
  readonly expired?: boolean;
  /** Encrypts the key. */
  readonly passphrase?: string;
}

export interface CertificateAuthority extends AsyncDisposable {
  readonly certificate: string;
  issue(subject: Subject): Promise<Certificate>;
}

const run = promisify(execFile);
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** An authority for one test run, by the machine's openssl: no key is ever in the repository. */
export async function makeAuthority(name: string): Promise<CertificateAuthority> {
  const folder = await mkdtemp(join(tmpdir(), 'ticket-stream-authority-'));
  const at = (file: string) => join(folder, file);
  // Its own file of settings: the machine's may be missing, or add what is not asked for.
  await writeFile(at('openssl.cnf'), '[req]\ndistinguished_name=dn\n[dn]\n');
  const openssl = (args: readonly string[]) =>
    run('openssl', args, {
      cwd: folder,
      env: { PATH: process.env['PATH'], OPENSSL_CONF: at('openssl.cnf') },
    });
  const ca = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  await openssl(
    ['req', '-x509', ...newKey, '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem'].concat(
      ['-days', '2', '-subj', `/CN=${name}`],
      ca,
    ),
  );
  let issued = 0;
  return {
    certificate: await readFile(at('ca.pem'), 'utf8'),
    async issue({ name: subject, altNames = [], expired = false, passphrase }) {
      const file = (ending: string) => `${number}.${ending}`;
      const number = ++issued;
      const secret = passphrase === undefined ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
      await openssl(
        ['req', ...newKey, ...secret, '-keyout', file('key'), '-out', file('csr')].concat([
          '-subj',
          `/CN=${subject}`,
        ]),
      );
      await writeFile(
        at(file('ext')),
        altNames.length === 0 ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${altNames.join(',')}\n`,
      );
      await openssl(
        ['x509', '-req', '-in', file('csr'), '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'].concat([
          '-days',
          expired ? '-1' : '2',
          '-extfile',
          file('ext'),
          '-out',
          file('pem'),
        ]),
      );
      return {
        certificate: await readFile(at(file('pem')), 'utf8'),
        key: await readFile(at(file('key')), 'utf8'),
      };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
