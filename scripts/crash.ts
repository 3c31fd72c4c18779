import { runCampaign } from './campaign.ts';

/** `npm run crash`: the campaigns of kill -9 in test/crash. */
runCampaign('crash', {
  kills: '20',
  tickets: '20000',
  alerts: '50',
  'consumer-kills': '20',
  backlog: '60000',
});
