import type { ErrorCode } from '@ticket-stream/errors';

/** What broker-socket.ts found out about a door, as the `code` of the connection's error. */
export const DOOR_IS_PLAINTEXT = 'DOOR_IS_PLAINTEXT';
export const DOOR_SPEAKS_TLS = 'DOOR_SPEAKS_TLS';
export const DOOR_WANTS_LOGIN = 'DOOR_WANTS_LOGIN';

export interface WireRefusal {
  readonly code: ErrorCode;
  readonly what: string;
  readonly remedy: string;
}

/** By the codes of Node's TLS (https://nodejs.org/api/tls.html#x509-certificate-error-codes) and of our own doors. */
const refusals: readonly (readonly [code: RegExp, refusal: WireRefusal])[] = [
  [
    /^CERT_HAS_EXPIRED$/,
    {
      code: 'kafka.broker_untrusted',
      what: "the broker's certificate has expired",
      remedy:
        "Renew the broker's certificate (or the authority's in KAFKA_TLS_CA), or set this machine's clock.",
    },
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    {
      code: 'kafka.broker_untrusted',
      what: "the broker's certificate is not valid yet",
      remedy: "Set this machine's clock, or the broker's certificate right.",
    },
  ],
  [
    /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/,
    {
      code: 'kafka.broker_untrusted',
      what: "the broker's certificate is for another host",
      remedy:
        'Name the broker in KAFKA_BROKERS (and in its advertised.listeners) as its certificate does, or give it a certificate with that name (subjectAltName).',
    },
  ],
  [
    /^(UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|CERT_(UNTRUSTED|REJECTED|REVOKED|SIGNATURE_FAILURE|CHAIN_TOO_LONG)$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$)/,
    {
      code: 'kafka.broker_untrusted',
      what: "the broker's certificate is not signed by an authority that is trusted here",
      remedy:
        "Set KAFKA_TLS_CA to a PEM file with the certificate of the authority that signed the broker's. Verification cannot be switched off.",
    },
  ],
  [
    /ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$|ALERT_CERTIFICATE_REQUIRED$/,
    {
      code: 'kafka.credentials_refused',
      what: 'the broker wants a certificate of the client and does not accept this one, or none was given',
      remedy:
        "Set KAFKA_TLS_CERT and KAFKA_TLS_KEY to a certificate that is valid and signed by an authority of the broker's truststore.",
    },
  ],
  [
    /^ERR_SSL_.*(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$|^DOOR_IS_PLAINTEXT$/,
    {
      code: 'kafka.protocol_mismatch',
      what: 'KAFKA_TLS is on, and the broker speaks plaintext at this port',
      remedy:
        "Name the port of the broker's SSL or SASL_SSL listener in KAFKA_BROKERS, or set KAFKA_TLS=false.",
    },
  ],
  [
    /^ERR_SSL_.*(PROTOCOL_VERSION|HANDSHAKE_FAILURE|NO_SHARED_CIPHER|UNSUPPORTED_PROTOCOL|INSUFFICIENT_SECURITY)/,
    {
      code: 'kafka.protocol_mismatch',
      what: 'the broker and this client have no version or cipher of TLS in common',
      remedy: "Let the broker's ssl.enabled.protocols have TLSv1.2 or TLSv1.3.",
    },
  ],
  [
    /^DOOR_SPEAKS_TLS$/,
    {
      code: 'kafka.protocol_mismatch',
      what: 'KAFKA_TLS is off, and the broker speaks TLS at this port',
      remedy: 'Set KAFKA_TLS=true (and KAFKA_TLS_CA where its authority is your own).',
    },
  ],
  [
    /^DOOR_WANTS_LOGIN$/,
    {
      code: 'kafka.protocol_mismatch',
      what: 'the broker wants a login at this port, and KAFKA_SASL_MECHANISM is not set',
      remedy: 'Set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.',
    },
  ],
];

/** What a connection's error means when waiting cannot mend it; undefined: the broker may come back. */
export function wireRefusal(code: string): WireRefusal | undefined {
  return refusals.find(([pattern]) => pattern.test(code))?.[1];
}
