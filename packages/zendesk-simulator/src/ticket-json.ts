/**
 * A ticket's JSON as Zendesk's export writes it: its keys in their order, `generated_timestamp` last, no spaces.
 * The bytes are a function of (seed, state) alone (and of the sideloads that were asked for), so a version has the same digest whenever it is asked for; the
 * simulator's own address is not in them.
 */
import {
  agentId,
  brandIds,
  customerId,
  customFieldIds,
  customStatusIds,
  escalationGroupId,
  formIds,
  groupIds,
  organizationId,
  TICKET_ORIGIN,
} from './helpdesk.ts';
import { type TicketFacets, ticketFacets } from './history/ticket-facets.ts';
import type { TicketState } from './history/ticket-state.ts';
import { isoSecond } from './iso-second.ts';
import { mix, purpose, Random } from './random.ts';
import { composeText, escapeJson } from './texts/composer.ts';

/** @param sideloaded  members that a request asked for beside the ticket's own, each with a comma before it */
export function ticketJson(seed: number, state: TicketState, sideloaded = ''): string {
  const facets = ticketFacets(seed, state.id);
  const text = composeText(facets, state.createdSecond);
  const random = new Random(mix(seed, purpose.text, state.id));
  const requester = customerId(facets.customer);
  const subject = state.scrubbed ? '"SCRUBBED"' : `"${text.subject}"`;
  const description = state.scrubbed ? '"X"' : `"${text.description}"`;
  const customFields = customFieldsJson(state, facets, random);
  const { given } = state;
  // Not a map lookup a field for the tickets that no command ever touched: they are nearly all.
  const value =
    given === undefined
      ? (_name: string, json: string) => json
      : (name: string, json: string) => (name in given ? JSON.stringify(given[name]) : json);
  return (
    `{"url":"${TICKET_ORIGIN}/api/v2/tickets/${state.id}.json","id":${state.id}` +
    `,"external_id":${value('external_id', facets.channel === 'api' ? `"ord-${facets.orderNumber}"` : 'null')}` +
    `,"via":${viaJson(facets, text.customerName, requester)}` +
    `,"created_at":"${isoSecond(state.createdSecond)}","updated_at":"${isoSecond(state.updatedSecond)}"` +
    `,"type":${jsonText(state.type)},"subject":${value('subject', subject)}` +
    `,"raw_subject":${value('raw_subject', subject)},"description":${value('description', description)}` +
    `,"priority":${jsonText(state.priority)},"status":"${state.status}"` +
    `,"recipient":${value('recipient', facets.channel === 'email' ? '"support@helpdesk.example.com"' : 'null')}` +
    `,"requester_id":${value('requester_id', String(requester))}` +
    `,"submitter_id":${value('submitter_id', String(facets.channel === 'api' ? agentId(0) : requester))}` +
    `,"assignee_id":${value('assignee_id', state.agent === null ? 'null' : String(agentId(state.agent)))}` +
    `,"organization_id":${value('organization_id', facets.organization === null ? 'null' : String(organizationId(facets.organization)))}` +
    `,"group_id":${value('group_id', String(groupOf(state, facets)))}` +
    `,"collaborator_ids":${value('collaborator_ids', peopleJson(random, 0.12))}` +
    `,"follower_ids":${value('follower_ids', state.escalated ? `[${agentId(1)},${agentId(2)}]` : '[]')}` +
    `,"email_cc_ids":${value('email_cc_ids', peopleJson(random, 0.12))}` +
    `,"forum_topic_id":null,"problem_id":${value('problem_id', 'null')}` +
    `,"has_incidents":${value('has_incidents', String(state.type === 'problem' && state.replies > 2))}` +
    `,"is_public":${value('is_public', 'true')}` +
    `,"due_at":${value('due_at', state.type === 'task' ? `"${isoSecond(state.createdSecond + 5 * 86_400)}"` : 'null')}` +
    `,"tags":${tagsJson(state, facets)},"custom_fields":${customFields}` +
    `,"satisfaction_rating":${value('satisfaction_rating', ratingJson(state, facets))}` +
    `,"sharing_agreement_ids":[],"custom_status_id":${value('custom_status_id', String(customStatusIds[state.status]))}` +
    `,"encoded_id":"${encodedId(seed, state.id)}","fields":${customFields},"followup_ids":[]` +
    `,"ticket_form_id":${value('ticket_form_id', String(formIds[facets.form] ?? formIds[0]))},"deleted_ticket_form_id":null` +
    `,"brand_id":${value('brand_id', String(brandIds[facets.brand] ?? brandIds[0]))}` +
    `,"allow_channelback":false,"allow_attachments":true` +
    `,"from_messaging_channel":${facets.channel === 'chat'},"support_type":"${state.supportType}"${sideloaded}` +
    `,"generated_timestamp":${state.generatedSecond}}`
  );
}

function jsonText(text: string | null): string {
  return text === null ? 'null' : `"${text}"`;
}

function groupOf(state: TicketState, facets: TicketFacets): number {
  return state.escalated ? escalationGroupId : (groupIds[facets.topicIndex] ?? groupIds[0]);
}

function viaJson(facets: TicketFacets, name: string, requester: number): string {
  if (facets.channel === 'email') {
    const from = `{"address":"customer${requester % 1_000_003}@example.org","name":"${escapeJson(name)}"}`;
    return `{"channel":"email","source":{"from":${from},"to":{"name":"Support","address":"support@helpdesk.example.com"},"rel":null}}`;
  }
  return `{"channel":"${facets.channel}","source":{"from":{},"to":{},"rel":${facets.channel === 'mobile_sdk' ? '"mobile"' : 'null'}}}`;
}

function peopleJson(random: Random, probability: number): string {
  if (!random.chance(probability)) return '[]';
  return `[${customerId(random.below(1 << 20))}]`;
}

function tagsJson(state: TicketState, facets: TicketFacets): string {
  if (state.tags !== undefined) return JSON.stringify(state.tags);
  if (state.scrubbed) return '[]';
  let tags = `"${facets.topic.tag}","lang_${facets.language.code}","${productTag(facets.product)}"`;
  if (facets.organization !== null && facets.organization % 9 === 0) tags += ',"vip"';
  if (state.escalated) tags += ',"escalated"';
  if (state.reopened > 0) tags += ',"reopened"';
  if (state.rating === 'bad') tags += ',"follow_up"';
  if (state.status === 'closed') tags += ',"closed_by_automation"';
  for (let job = 1; job <= state.bulkJobs; job++) tags += `,"bulk_job_${job}"`;
  return `[${tags}]`;
}

function productTag(product: string): string {
  return product.toLowerCase().replaceAll(' ', '_');
}

function ratingJson(state: TicketState, facets: TicketFacets): string {
  switch (state.rating) {
    case 'unoffered':
    case 'offered':
      return `{"score":"${state.rating}"}`;
    case 'good':
    case 'bad': {
      const comment = state.scrubbed
        ? 'null'
        : `"${state.rating === 'good' ? '👍' : '👎'} ${facets.topic.tag}"`;
      return `{"score":"${state.rating}","id":${15_300_000_000_000 + state.id},"comment":${comment}}`;
    }
  }
}

/** Values as Zendesk types them: text, tagger, checkbox, integer (64 bits), decimal (text), date. */
function customFieldsJson(state: TicketState, facets: TicketFacets, random: Random): string {
  if (state.scrubbed) return '[]';
  const ids = customFieldIds;
  // Digits, not a number: up to 8,999,999,999,999,999,999, which no double holds.
  const serial = random.chance(0.4)
    ? `${random.between(1, 8)}${String(random.below(1e9)).padStart(9, '0')}${String(random.below(1e9)).padStart(9, '0')}`
    : 'null';
  const values: readonly (readonly [number, string])[] = [
    [ids.product, `"${productTag(facets.product)}"`],
    [ids.orderNumber, `"${facets.orderNumber}"`],
    [ids.topic, `"topic_${facets.topic.tag}"`],
    [ids.language, `"${facets.language.code}"`],
    [ids.country, random.chance(0.3) ? 'null' : `"country_${random.pick(COUNTRIES)}"`],
    [ids.deviceSerial, serial],
    [ids.amount, `"${(facets.amountCents / 100).toFixed(2)}"`],
    [ids.warranty, String(random.chance(0.5))],
    [
      ids.purchaseDate,
      random.chance(0.5)
        ? 'null'
        : `"${isoSecond(state.createdSecond - random.below(31_536_000)).slice(0, 10)}"`,
    ],
    [
      ids.resolution,
      state.status === 'solved' || state.status === 'closed' ? `"resolved_${state.replies % 4}"` : 'null',
    ],
    [ids.handlingMinutes, state.handlingMinutes === 0 ? 'null' : String(state.handlingMinutes)],
    [ids.reopened, String(state.reopened > 0)],
    [ids.escalatedBy, state.escalated && state.agent !== null ? `"agent_${state.agent}"` : 'null'],
    [
      ids.appVersion,
      random.chance(0.5) ? 'null' : `"${random.between(1, 9)}.${random.below(20)}.${random.below(10)}"`,
    ],
    [ids.consent, String(random.chance(0.8))],
    [ids.channelDetail, random.chance(0.8) ? 'null' : '"widget"'],
    [ids.unused, 'null'],
    [ids.sentiment, state.rating === 'bad' ? '"negative"' : 'null'],
  ];
  const given = state.given?.['custom_fields'] as readonly { id: number; value: unknown }[] | undefined;
  const left = new Map(given?.map((field) => [field.id, field.value]));
  let json = '';
  for (const [id, value] of values) {
    const shown = left.has(id) ? JSON.stringify(left.get(id)) : value;
    left.delete(id);
    json += `${json === '' ? '' : ','}{"id":${id},"value":${shown}}`;
  }
  for (const [id, value] of left) json += `,{"id":${id},"value":${JSON.stringify(value)}}`;
  return `[${json}]`;
}

const COUNTRIES = ['us', 'gb', 'de', 'at', 'fr', 'es', 'mx', 'jp', 'th', 'sa', 'eg', 'ca'] as const;

const ID_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ0123456789';

function encodedId(seed: number, id: number): string {
  const random = new Random(mix(seed, id));
  let text = '';
  for (let place = 0; place < 9; place++) text += `${place === 6 ? '-' : ''}${ID_LETTERS[random.below(34)]}`;
  return text;
}
