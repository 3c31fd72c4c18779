/** The members of a page's JSON object, in the order in which Zendesk sends them: the tickets first. */
import type { CursorPage, TimePage } from '../history/export-pages.ts';
import { encodeCursor } from './export-cursor.ts';
import { cursorLink, timeLink } from './export-request.ts';

/** A control field and its value as JSON. */
export type ControlField = readonly [name: string, json: string];

export function timeControl(origin: string, parameters: URLSearchParams, page: TimePage): ControlField[] {
  return [
    ['count', String(page.ids.length)],
    ['end_of_stream', String(page.endOfStream)],
    ['next_page', JSON.stringify(timeLink(origin, parameters, page.endSecond))],
    ['end_time', String(page.endSecond)],
  ];
}

export function cursorControl(origin: string, parameters: URLSearchParams, page: CursorPage): ControlField[] {
  const cursor = encodeCursor(page.after);
  return [
    ['after_url', JSON.stringify(cursorLink(origin, parameters, cursor))],
    ['before_url', 'null'],
    ['after_cursor', JSON.stringify(cursor)],
    ['before_cursor', 'null'],
    ['end_of_stream', String(page.endOfStream)],
  ];
}
