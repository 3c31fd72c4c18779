/** The help desk that the simulator invents: its people, groups, brands and fields. Ids are as large as real ones. */
import type { TicketStatus } from './history/ticket-status.ts';

/** Names what the tickets and their people belong to; never the simulator's own port, which changes. */
export const TICKET_ORIGIN = 'https://helpdesk.example.com';

export const products = [
  'Aurora 3',
  'Kestrel Mini',
  'Lumen Desk',
  'Pico Cam',
  'Strato X',
  'Tidal Buds',
  'Vela Watch',
  'Nimbus Hub',
] as const;

/** One group a topic, in the order of `topicTags`, then the one that escalated tickets go to. */
export const groupIds = [
  360_004_417_059, 360_004_417_079, 360_004_417_099, 360_004_417_119, 4_411_983_220_379, 4_411_983_220_399,
  7_812_906_645_530, 16_530_907_993_114,
] as const;
export const escalationGroupId = 28_730_869_157_658;

const AGENTS = 48;
export const agentCount = AGENTS;
export function agentId(agent: number): number {
  return 13_480_512_000_087 + agent * 20_411;
}

export function customerId(customer: number): number {
  return 6_130_907_000_114 + customer * 20;
}

export function organizationId(organization: number): number {
  return 360_081_500_412 + organization * 37;
}

export const brandIds = [6_130_830_354_842, 360_002_110_018, 19_204_411_830_354] as const;
export const formIds = [6_130_830_344_474, 360_000_544_791] as const;

export const customStatusIds: Readonly<Record<TicketStatus, number>> = {
  new: 6_130_830_355_738,
  open: 6_130_830_355_866,
  pending: 6_130_830_355_994,
  hold: 6_130_830_356_122,
  solved: 6_130_830_356_250,
  closed: 6_130_830_356_250,
  deleted: 6_130_830_356_250,
};

/** What each custom field holds; ids are ours, the kinds are those that Zendesk offers. */
export const customFieldIds = {
  product: 360_021_044_391,
  orderNumber: 360_021_044_411,
  topic: 360_021_044_431,
  language: 360_021_044_451,
  country: 360_021_044_471,
  /** An integer field: up to 64 bits, so beyond what a double can hold. */
  deviceSerial: 360_021_044_491,
  amount: 360_021_044_511,
  warranty: 360_021_044_531,
  purchaseDate: 360_021_044_551,
  resolution: 4_410_022_918_235,
  handlingMinutes: 4_410_022_918_263,
  reopened: 4_410_022_918_291,
  escalatedBy: 4_410_022_918_319,
  appVersion: 12_930_877_004_122,
  consent: 12_930_877_004_250,
  channelDetail: 12_930_877_004_378,
  unused: 12_930_877_004_506,
  sentiment: 25_204_933_107_482,
} as const;
