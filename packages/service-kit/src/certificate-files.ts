/** What is wrong with files of certificates and keys, before a broker says so in fewer words. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OptionProblem } from './option.ts';

const readable = 'Give the path of a PEM file that this user may read.';

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function certificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

export function pemProblem(file: string): OptionProblem | undefined {
  const pem = read(file);
  if (pem === undefined) return { problem: `names ${file}, which can't be read`, remedy: readable };
  if (certificate(pem) === undefined) {
    return {
      problem: `names ${file}, which has no certificate in it`,
      remedy: 'Give a file that begins with -----BEGIN CERTIFICATE-----.',
    };
  }
  return undefined;
}

/** @param certificateFile  whose key it must be; where that file is wrong, it is reported by itself */
export function keyProblem(
  file: string,
  passphrase: string | undefined,
  certificateFile: string | undefined,
): OptionProblem | undefined {
  const pem = read(file);
  if (pem === undefined) return { problem: `names ${file}, which can't be read`, remedy: readable };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    return pem.includes('ENCRYPTED')
      ? {
          problem:
            passphrase === undefined
              ? `names ${file}, which is encrypted`
              : `names ${file}, which KAFKA_TLS_KEY_PASSPHRASE does not open`,
          remedy: 'Set KAFKA_TLS_KEY_PASSPHRASE to its passphrase.',
        }
      : {
          problem: `names ${file}, which has no private key in it`,
          remedy: 'Give a file that begins with -----BEGIN PRIVATE KEY-----.',
        };
  }
  const own = certificateFile === undefined ? undefined : certificate(read(certificateFile) ?? '');
  return own === undefined || own.checkPrivateKey(key)
    ? undefined
    : {
        problem: `names ${file}, which is not the key of the certificate in KAFKA_TLS_CERT`,
        remedy: 'Give the key that the certificate was made with, or the certificate of this key.',
      };
}
