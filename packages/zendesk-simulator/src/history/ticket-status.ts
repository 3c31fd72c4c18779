/** Zendesk's; `deleted` is what the export says of a ticket in the bin. */
export const ticketStatuses = ['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted'] as const;
export type TicketStatus = (typeof ticketStatuses)[number];
