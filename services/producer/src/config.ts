import {
  commonOptions,
  defineOptions,
  exportOptions,
  kafkaOptions,
  option,
  zendeskOptions,
} from '@ticket-stream/service-kit';
import { KNOWN_SIDELOADS } from '@ticket-stream/zendesk-export';

function sideloadProblem(name: string): string | undefined {
  if (name === 'last_audits') return 'is not supported: the incremental export does not sideload audits';
  return KNOWN_SIDELOADS.includes(name) ? undefined : 'is no sideload of the export';
}

/** Everything the producer can be told; `--help` and `.env.example` are written from this table. */
export const producerOptions = defineOptions({
  ...zendeskOptions,
  ...exportOptions,
  EXPORT_INCLUDE: option.list({
    text: 'Sideloads: records that belong to a ticket, such as users and groups, embedded in its value as `_embedded`.',
    example: 'users,groups,organizations',
    default: [],
    expectedItem: `one of ${KNOWN_SIDELOADS.join(', ')}`,
    item: sideloadProblem,
  }),
  EXPORT_ONCE: option.boolean({
    text: 'End with the first page that says it is the end of the stream, instead of polling on.',
    default: false,
  }),
  ACCEPT_GAP: option.moment({
    text: 'A second that may be stepped over if it cannot be read to its end; the error that asks for it names it. The gap stays on record.',
    example: '1700000000',
    min: 0,
  }),
  ACCEPT_TOPIC_SETTINGS: option.boolean({
    text: 'Use an existing tickets topic although it is not compacted.',
    default: false,
  }),
  ...kafkaOptions,
  PRODUCER_PORT: option.port({ text: 'Port of health and status.', default: 7702 }),
  PRODUCER_HOST: option.text({
    text: 'Address to listen on; it asks for no password, so keep it to this machine or to the inside of a container.',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]+$/,
    expected: 'a host name or an IP address',
    charactersMax: 253,
  }),
  ...commonOptions,
});
