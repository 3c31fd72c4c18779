/** The account whose tickets are exported, and how it is asked: options of the producer and of `export` commands. */
import { type KnownValues, type OptionProblem, option } from './option.ts';

/** The ways to be let in, in the order in which they are named. */
const WAYS_IN = [
  'ZENDESK_API_TOKEN',
  'ZENDESK_PASSWORD',
  'ZENDESK_OAUTH_TOKEN',
  'ZENDESK_OAUTH_CLIENT_ID',
] as const;

function usesOAuth(values: KnownValues): boolean {
  return values['ZENDESK_OAUTH_TOKEN'] !== undefined || values['ZENDESK_OAUTH_CLIENT_ID'] !== undefined;
}

/** Of two ways to be let in nobody can tell which is meant: said of the later one. */
function onlyWay(name: (typeof WAYS_IN)[number], values: KnownValues): OptionProblem | undefined {
  const other = WAYS_IN.slice(0, WAYS_IN.indexOf(name)).find((each) => values[each] !== undefined);
  return other === undefined
    ? undefined
    : { problem: `is set beside ${other}`, remedy: 'Leave one of the two out.' };
}

/** Where the account is and how to be let in; `zendeskCredentials` makes of it what packages/zendesk-export takes. */
export const zendeskOptions = {
  ZENDESK_URL: option.url({
    text: 'The account whose tickets are exported.',
    required: true,
    example: 'https://acme.zendesk.com',
    cleartextLoopbackOnly: true,
    originOnly: true,
  }),
  ZENDESK_EMAIL: option.text({
    text: 'An administrator of the account: only administrators may export. Goes with ZENDESK_API_TOKEN or ZENDESK_PASSWORD.',
    required: (values) => !usesOAuth(values),
    example: 'admin@acme.com',
  }),
  ZENDESK_API_TOKEN: option.secret({
    text: 'API token of that administrator. Zendesk issues none any more, and none works after 2027-04-30.',
    required: (values) => values['ZENDESK_PASSWORD'] === undefined && !usesOAuth(values),
    check: (_, values) => onlyWay('ZENDESK_API_TOKEN', values),
  }),
  ZENDESK_PASSWORD: option.secret({
    text: 'Password of that administrator, where the account still allows it.',
    check: (_, values) => onlyWay('ZENDESK_PASSWORD', values),
  }),
  ZENDESK_OAUTH_TOKEN: option.secret({
    text: 'OAuth access token of an administrator; used as it is, never refreshed.',
    // Anything else fits no header, and would look like a Zendesk that does not answer.
    pattern: /^[\x21-\x7e]+$/,
    check: (_, values) => onlyWay('ZENDESK_OAUTH_TOKEN', values),
  }),
  ZENDESK_OAUTH_CLIENT_ID: option.text({
    text: 'Identifier of a confidential OAuth client: tokens are fetched by the client credentials grant, and anew when they end.',
    example: 'ticket_stream',
    charactersMax: 300,
    check: (_, values) => onlyWay('ZENDESK_OAUTH_CLIENT_ID', values),
  }),
  ZENDESK_OAUTH_CLIENT_SECRET: option.secret({
    text: 'Secret of that client.',
    required: (values) => values['ZENDESK_OAUTH_CLIENT_ID'] !== undefined,
    check: (_, values) =>
      values['ZENDESK_OAUTH_CLIENT_ID'] === undefined
        ? { problem: 'is set, but ZENDESK_OAUTH_CLIENT_ID is not', remedy: 'Set both, or leave both out.' }
        : undefined,
  }),
  ZENDESK_OAUTH_SCOPE: option.text({
    text: 'What these tokens may do, space-separated; reading is enough.',
    default: 'read',
    pattern: /^[a-z_:]+( [a-z_:]+)*$/,
    expected: 'scopes such as "read" or "tickets:read users:read"',
    charactersMax: 300,
  }),
};

/** What is exported, and at which pace. */
export const exportOptions = {
  START_TIME: option.moment({
    text: 'Where the first export begins; a checkpoint, once there is one, counts instead.',
    required: true,
    example: '2024-01-01',
    min: 0,
    check: (second) =>
      second > Date.now() / 1000
        ? { problem: 'is in the future', remedy: 'Give the moment from which tickets are wanted.' }
        : undefined,
  }),
  EXPORT_MODE: option.choice({
    text: 'Which of the two exports is read: by start_time, or by a cursor that repeats nothing. May be changed at any time.',
    of: ['time', 'cursor'],
    default: 'time',
  }),
  EXPORT_PER_PAGE: option.integer({
    text: 'Tickets a page.',
    default: 1000,
    min: 1,
    max: 1000,
    unit: 'tickets',
  }),
  EXPORT_REQUESTS_PER_MINUTE: option.integer({
    text: 'Requests spent evenly; Zendesk allows 10, or 30 with the High Volume add-on.',
    default: 10,
    min: 1,
    max: 6000,
    unit: 'requests a minute',
  }),
  EXPORT_ALLOWANCE_SHARE: option.fraction({
    text: 'How much of those requests the producer takes; the rest is for others that use the same allowance, such as `export verify`.',
    default: 1,
    min: 0.01,
    max: 1,
  }),
  EXPORT_EXCLUDE_DELETED: option.boolean({
    text: 'Leave deleted tickets out of the export: deletions and scrubs then never arrive, so deleted tickets stay searchable.',
    default: false,
  }),
  EXPORT_SUPPORT_TYPE_SCOPE: option.choice({
    text: "Whose tickets are exported: agents', AI agents', or all.",
    of: ['agent', 'ai_agent', 'all'],
    default: 'agent',
  }),
  EXPORT_DELAY_SECONDS: option.integer({
    text: 'What the export leaves out of the newest time; 60 at Zendesk.',
    default: 60,
    min: 0,
    max: 3600,
    unit: 'seconds',
  }),
  EXPORT_SOURCE: option.text({
    text: "What checkpoint and events call the account; the origin of ZENDESK_URL when not set. A simulator's name has no port in it.",
    pattern: /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/,
    expected: 'a URI',
    charactersMax: 300,
  }),
};

interface ZendeskOptionValues {
  readonly ZENDESK_EMAIL: string | undefined;
  readonly ZENDESK_API_TOKEN: string | undefined;
  readonly ZENDESK_PASSWORD: string | undefined;
  readonly ZENDESK_OAUTH_TOKEN: string | undefined;
  readonly ZENDESK_OAUTH_CLIENT_ID: string | undefined;
  readonly ZENDESK_OAUTH_CLIENT_SECRET: string | undefined;
  readonly ZENDESK_OAUTH_SCOPE: string;
}

type ZendeskCredentials =
  | { readonly email: string; readonly apiToken: string }
  | { readonly email: string; readonly password: string }
  | { readonly oauthToken: string }
  | { readonly clientId: string; readonly clientSecret: string; readonly scope: string };

/** Exactly one way in is set: the table sees to it. */
export function zendeskCredentials(values: ZendeskOptionValues): ZendeskCredentials {
  const email = values.ZENDESK_EMAIL ?? '';
  if (values.ZENDESK_API_TOKEN !== undefined) return { email, apiToken: values.ZENDESK_API_TOKEN };
  if (values.ZENDESK_PASSWORD !== undefined) return { email, password: values.ZENDESK_PASSWORD };
  if (values.ZENDESK_OAUTH_TOKEN !== undefined) return { oauthToken: values.ZENDESK_OAUTH_TOKEN };
  return {
    clientId: values.ZENDESK_OAUTH_CLIENT_ID ?? '',
    clientSecret: values.ZENDESK_OAUTH_CLIENT_SECRET ?? '',
    scope: values.ZENDESK_OAUTH_SCOPE,
  };
}
