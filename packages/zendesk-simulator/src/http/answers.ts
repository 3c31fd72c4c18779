/** The bodies of Zendesk's refusals, as its documentation and its users' bug reports have them. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
}

export const unauthorized: Refusal = {
  status: 401,
  headers: { 'www-authenticate': 'Basic realm="Web Password"' },
  body: { error: "Couldn't authenticate you" },
};

/** As users of other clients met it (fprimex/zdesk#58, zendesk/zendesk_api_client_rb#297). */
export const invalidToken: Refusal = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer realm="Zendesk API", error="invalid_token"' },
  body: {
    error: 'invalid_token',
    error_description:
      'The access token provided is expired, revoked, malformed or invalid for other reasons.',
  },
};

/** RFC 6749, section 5.2. */
export const invalidClient: Refusal = {
  status: 401,
  headers: { 'cache-control': 'no-store' },
  body: {
    error: 'invalid_client',
    error_description:
      'Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.',
  },
};

export function oauthRefusal(error: string, description: string): Refusal {
  return {
    status: 400,
    headers: { 'cache-control': 'no-store' },
    body: { error, error_description: description },
  };
}

export const forbidden: Refusal = {
  status: 403,
  body: {
    error: {
      title: 'Forbidden',
      message:
        'You do not have access to this page. Please contact the account owner of this help desk for further help.',
    },
  },
};

export const unknownEndpoint: Refusal = {
  status: 404,
  body: { error: 'InvalidEndpoint', description: 'Not found' },
};

/** A ticket that is not there, or deleted. */
export const recordNotFound: Refusal = {
  status: 404,
  body: { error: 'RecordNotFound', description: 'Not found' },
};

export function tooManyRequests(retryAfterSeconds: number): Refusal {
  return {
    status: 429,
    headers: { 'retry-after': String(retryAfterSeconds) },
    body: {
      error: 'APIRateLimitExceeded',
      description: 'Number of allowed incremental export API requests per minute exceeded',
    },
  };
}

/** @param form  `400` as it is documented today, `422` as older accounts answered */
export function tooRecent(form: 400 | 422, delaySeconds: number): Refusal {
  const description = `Too recent start_time. Use a start_time older than ${delaySeconds} seconds`;
  return { status: form, body: { error: form === 400 ? 'StartTimeTooRecent' : 'InvalidValue', description } };
}

export const missingStartTime: Refusal = {
  status: 400,
  body: { error: 'InvalidValue', description: 'Invalid start_time parameter' },
};

/** No recording has one; the code is the one that Zendesk's other cursors are refused with (dust-tt/dust#8702). */
export const invalidCursor: Refusal = {
  status: 422,
  body: { error: 'InvalidPaginationParameter', description: 'cursor is not valid' },
};

export const invalidScope: Refusal = {
  status: 400,
  body: {
    error: 'InvalidValue',
    description: 'support_type_scope must be one of all, agent, ai_agent',
  },
};

/** Documented as not supported; how it is refused is nowhere on record. */
export const invalidInclude: Refusal = {
  status: 422,
  body: {
    error: 'InvalidValue',
    description: 'The last_audits sideload is not supported on incremental endpoints',
  },
};

/** An account whose cursor endpoint is closed, so that a client's last resort can be tried. */
export function refusedCursor(status: 403 | 404): Refusal {
  return status === 403 ? forbidden : unknownEndpoint;
}

export function invalidPerPage(perPageMax: number): Refusal {
  const description = `Per page: must be an integer between 1 and ${perPageMax}`;
  return {
    status: 422,
    body: {
      error: 'RecordInvalid',
      description: 'Record validation errors',
      details: { per_page: [{ description, error: 'InvalidValue' }] },
    },
  };
}
