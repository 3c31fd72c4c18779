/**
 * What a fault does to a page before it is sent. A page stays *honest* where a client may take it as it stands; one
 * that a careful client throws away is sent all the same, but counts as shown to nobody.
 */
import type { ControlField } from '../http/page-body.ts';
import type { PlayedFault } from './fault-plan.ts';

export interface SentPage {
  readonly ids: readonly number[];
  /** So many of the last ids stand on the page already. */
  readonly repeats: number;
  readonly control: readonly ControlField[];
  /** Names of members, to be sent first, in this order; undefined for Zendesk's own order. */
  readonly order: readonly string[] | 'reversed' | undefined;
  readonly contentType: string | undefined;
  readonly honest: boolean;
  /** False where there was nothing to do it to, such as no ticket to leave out. */
  readonly changed: boolean;
}

/** Fields without which a client cannot know how to go on. */
const POSITION_FIELDS = ['end_time', 'next_page', 'after_cursor', 'after_url'];

export function sentPage(
  ids: readonly number[],
  control: readonly ControlField[],
  fault: PlayedFault | undefined,
): SentPage {
  const page: SentPage = {
    ids,
    repeats: 0,
    control,
    order: undefined,
    contentType: undefined,
    honest: true,
    changed: false,
  };
  const hasCount = control.some(([name]) => name === 'count');
  switch (fault?.kind) {
    case 'duplicate': {
      const repeated = ids.slice(0, fault.tickets);
      if (repeated.length === 0) return page;
      const all = [...ids, ...repeated];
      const counted = withCount(control, all.length);
      return { ...page, ids: all, repeats: repeated.length, control: counted, changed: true };
    }
    case 'missing': {
      const matching = fault.count === 'matching';
      // By cursor no count tells of them: then only the one that is meant to be silent is played.
      if (ids.length === 0 || !(matching || hasCount)) return page;
      const left = Math.max(0, ids.length - fault.tickets);
      const from = Math.floor(left / 2);
      const kept = ids.filter((_id, place) => place < from || place >= from + ids.length - left);
      const counted = matching ? withCount(control, kept.length) : control;
      return { ...page, ids: kept, control: counted, honest: matching, changed: true };
    }
    case 'wrong_count':
      // An empty page has no smaller count.
      if (!hasCount || ids.length + fault.by < 0) return page;
      return {
        ...page,
        control: withCount(control, ids.length + fault.by),
        honest: false,
        changed: true,
      };
    case 'key_order': {
      const names = fault.order === 'control_first' ? control.map(([name]) => name) : fault.order;
      return { ...page, order: names, changed: true };
    }
    case 'control_missing': {
      const left = control.filter(([name]) => !fault.fields.includes(name));
      if (left.length === control.length) return page;
      return { ...page, control: left, honest: !touchPosition(fault.fields), changed: true };
    }
    case 'control_null': {
      if (!control.some(([name]) => fault.fields.includes(name))) return page;
      const nulled = control.map(
        ([name, json]): ControlField => [name, fault.fields.includes(name) ? 'null' : json],
      );
      return { ...page, control: nulled, honest: false, changed: true };
    }
    case 'content_type':
      return {
        ...page,
        contentType: fault.value ?? 'text/html; charset=utf-8',
        honest: false,
        changed: true,
      };
    default:
      return page;
  }
}

function touchPosition(fields: readonly string[]): boolean {
  return POSITION_FIELDS.some((name) => fields.includes(name));
}

function withCount(control: readonly ControlField[], count: number): ControlField[] {
  return control.map(([name, json]) => [name, name === 'count' ? String(count) : json]);
}

/** @param order  as `SentPage` has it */
export function inOrder<T extends { readonly name: string }>(
  members: readonly T[],
  order: SentPage['order'],
): T[] {
  if (order === undefined) return [...members];
  if (order === 'reversed') return members.toReversed();
  const place = ({ name }: T) => (order.includes(name) ? order.indexOf(name) : order.length);
  return members.toSorted((a, b) => place(a) - place(b));
}
