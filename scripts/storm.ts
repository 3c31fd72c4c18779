import { runCampaign } from './campaign.ts';

/** `npm run storm`: the rebalance storm of test/storm. */
runCampaign('storm', { records: '100000', seconds: '180' });
