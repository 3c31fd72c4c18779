/**
 * Users, groups, organizations and forms: invented from (seed, id), so the same id is the same person on every page,
 * also one that only a command ever named.
 */
import { agentCount, agentId, escalationGroupId, formIds, groupIds, TICKET_ORIGIN } from '../helpdesk.ts';
import { isoSecond } from '../iso-second.ts';
import { mix, purpose, Random } from '../random.ts';
import { languages } from '../texts/index.ts';
import { topicTags } from '../texts/language.ts';

/** Before any history begins. */
const FOUNDED_SECOND = 1_420_070_400;
const FOUNDED_SPAN_SECONDS = 3 * 365 * 86_400;
const ADMINS = 3;

const agents = new Map(Array.from({ length: agentCount }, (_, agent) => [agentId(agent), agent]));
const TIME_ZONES: Readonly<Record<string, readonly [name: string, iana: string]>> = {
  en: ['London', 'Europe/London'],
  de: ['Berlin', 'Europe/Berlin'],
  fr: ['Paris', 'Europe/Paris'],
  es: ['Madrid', 'Europe/Madrid'],
  ja: ['Tokyo', 'Asia/Tokyo'],
  th: ['Bangkok', 'Asia/Bangkok'],
  ar: ['Riyadh', 'Asia/Riyadh'],
};
const LEGAL_FORMS = ['Ltd', 'GmbH', 'SARL', 'S.L.', 'KK', 'Inc.'] as const;

export function userJson(seed: number, id: number): string {
  const random = new Random(mix(seed, purpose.people, 1, id));
  const agent = agents.get(id);
  const language = random.weighted(languages);
  const [timeZone, ianaTimeZone] = TIME_ZONES[language.code] ?? ['London', 'Europe/London'];
  const createdAt = someMoment(random);
  const role = agent === undefined ? 'end-user' : agent < ADMINS ? 'admin' : 'agent';
  return JSON.stringify({
    id,
    url: `${TICKET_ORIGIN}/api/v2/users/${id}.json`,
    name: random.pick(language.names),
    email:
      agent === undefined ? `customer${id % 1_000_003}@example.org` : `agent${agent}@helpdesk.example.com`,
    created_at: createdAt,
    updated_at: createdAt,
    time_zone: timeZone,
    iana_time_zone: ianaTimeZone,
    phone: random.chance(0.3) ? `+49555${random.between(100_000, 999_999)}` : null,
    shared_phone_number: null,
    photo: null,
    locale_id: 1,
    locale: language.code,
    organization_id: null,
    role,
    verified: random.chance(0.8),
    external_id: random.chance(0.2) ? `crm-${random.between(1_000, 999_999)}` : null,
    tags: random.chance(0.1) ? ['vip'] : [],
    alias: '',
    active: true,
    shared: false,
    shared_agent: false,
    last_login_at: agent === undefined ? null : createdAt,
    two_factor_auth_enabled: agent !== undefined,
    signature: agent === undefined ? null : 'Kind regards',
    details: '',
    notes: random.chance(0.1) ? 'Calls back in the morning: "after 9".' : '',
    role_type: agent === undefined ? null : 0,
    custom_role_id: null,
    moderator: agent !== undefined,
    ticket_restriction: agent === undefined ? 'requested' : null,
    only_private_comments: false,
    restricted_agent: agent === undefined,
    suspended: false,
    default_group_id: agent === undefined ? null : groupIds[agent % groupIds.length],
    report_csv: role === 'admin',
    user_fields: { plan: random.pick(['free', 'team', 'enterprise']), since: createdAt },
  });
}

export function groupJson(seed: number, id: number): string {
  const moment = someMoment(new Random(mix(seed, purpose.people, 2, id)));
  const topic = topicTags[(groupIds as readonly number[]).indexOf(id)];
  const name =
    id === escalationGroupId ? 'Escalations' : topic === undefined ? `Group ${id}` : `Desk: ${topic}`;
  return JSON.stringify({
    url: `${TICKET_ORIGIN}/api/v2/groups/${id}.json`,
    id,
    is_public: true,
    name,
    description: '',
    default: topic === topicTags[0],
    deleted: false,
    created_at: moment,
    updated_at: moment,
  });
}

export function organizationJson(seed: number, id: number): string {
  const random = new Random(mix(seed, purpose.people, 3, id));
  const moment = someMoment(random);
  const language = random.weighted(languages);
  return JSON.stringify({
    url: `${TICKET_ORIGIN}/api/v2/organizations/${id}.json`,
    id,
    name: `${random.pick(language.cities)} ${random.pick(['Trading', 'Works', 'Systems', 'Foods'])} ${random.pick(LEGAL_FORMS)}`,
    shared_tickets: random.chance(0.3),
    shared_comments: false,
    external_id: null,
    created_at: moment,
    updated_at: moment,
    domain_names: [`org${id % 100_003}.example.org`],
    details: '',
    notes: '',
    group_id: null,
    tags: random.chance(0.1) ? ['vip'] : [],
    organization_fields: { region: language.code },
    deleted_at: null,
  });
}

export function ticketFormJson(seed: number, id: number): string {
  const moment = someMoment(new Random(mix(seed, purpose.people, 4, id)));
  const position = (formIds as readonly number[]).indexOf(id) + 1;
  return JSON.stringify({
    url: `${TICKET_ORIGIN}/api/v2/ticket_forms/${id}.json`,
    id,
    name: `Form ${position === 0 ? id : position}`,
    display_name: `Form ${position === 0 ? id : position}`,
    position,
    active: true,
    end_user_visible: true,
    default: position === 1,
    in_all_brands: true,
    restricted_brand_ids: [],
    ticket_field_ids: [],
    agent_conditions: [],
    end_user_conditions: [],
    created_at: moment,
    updated_at: moment,
  });
}

function someMoment(random: Random): string {
  return isoSecond(FOUNDED_SECOND + random.below(FOUNDED_SPAN_SECONDS));
}
