import { webhookSecretProblem } from '@ticket-stream/alerting';
import {
  commonOptions,
  consumerOptions,
  defineOptions,
  kafkaOptions,
  option,
} from '@ticket-stream/service-kit';

/** Everything alerting can be told; `--help` and `.env.example` are written from this table. */
export const alertingOptions = defineOptions({
  ALERT_RULES: option.path({
    text: 'Rule file (YAML); when not set, the three rules that come with alerting: raised to urgent, reopened, rated bad.',
    example: '/etc/ticket-stream/rules.yaml',
  }),
  ALERT_WEBHOOK_URL: option.url({
    text: 'Where alerts are posted, signed as Standard Webhooks says; when not set, alerts are only logged.',
    example: 'https://alerts.acme.com/tickets',
    cleartextLoopbackOnly: true,
    secretPath: true,
  }),
  ALERT_WEBHOOK_SECRET: option.secret({
    text: 'Secret of the signature.',
    expected: 'whsec_ and the base64 of 24 to 64 bytes',
    required: (values) => values['ALERT_WEBHOOK_URL'] !== undefined,
    check: (secret, values) => {
      const problem = webhookSecretProblem(secret);
      if (problem !== undefined) {
        return { problem, remedy: 'Make one with: echo "whsec_$(openssl rand -base64 32)"' };
      }
      return values['ALERT_WEBHOOK_URL'] === undefined
        ? {
            problem: 'is set, but ALERT_WEBHOOK_URL is not, so nothing would be posted',
            remedy: 'Set ALERT_WEBHOOK_URL too, or leave both out.',
          }
        : undefined;
    },
  }),
  ALERT_MAX_EVENT_AGE: option.duration({
    text: 'A version that was older than this when it was published (a backfill) is recorded and alerts nobody.',
    unit: 's',
    default: '6h',
    min: '1m',
    max: '3650d',
  }),
  ...kafkaOptions,
  ALERTING_PORT: option.port({ text: 'Port of health, status and the history of alerts.', default: 7701 }),
  ALERTING_HOST: option.text({
    text: 'Address to listen on; it asks for no password, so keep it to this machine or to the inside of a container. Called by another name than localhost, it answers health and metrics only.',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]+$/,
    expected: 'a host name or an IP address',
    charactersMax: 253,
  }),
  ...consumerOptions,
  ...commonOptions,
});
