/**
 * What the export is asked to leave out. Less can be asked for at any time. More can't be made up for by going on:
 * a deleted ticket that was hidden when its second passed is not shown again until it changes. So a widening is kept
 * on record, with the stretch of the export that is concerned, and `export reset --to` brings it back.
 */
export interface ExportScope {
  /** Deletions and scrubs never arrive. */
  readonly excludeDeleted: boolean;
  /** `support_type_scope`: Zendesk's own default leaves AI agents' tickets out. */
  readonly supportTypes: SupportTypes;
}

type SupportTypes = 'all' | 'agent' | 'ai_agent';

/** What a scope may hide: deleted tickets, or tickets of one support type. */
export type UnseenWhat = 'deleted' | 'agent' | 'ai_agent';

/** Changes of this kind were hidden in these seconds of the export; both ends belong to it. */
export interface Unseen {
  readonly what: UnseenWhat;
  readonly from: number;
  readonly until: number;
}

export function hiddenBy(scope: ExportScope): readonly UnseenWhat[] {
  const hidden: UnseenWhat[] = scope.excludeDeleted ? ['deleted'] : [];
  if (scope.supportTypes === 'agent') hidden.push('ai_agent');
  if (scope.supportTypes === 'ai_agent') hidden.push('agent');
  return hidden;
}

export interface ScopeChange {
  readonly hiddenSince: Readonly<Partial<Record<UnseenWhat, number>>>;
  /** What the change shows from now on and does not bring back; empty unless the scope was widened. */
  readonly unseen: readonly Unseen[];
  /** Something is shown from now on that was hidden. */
  readonly widened: boolean;
}

/**
 * @param hiddenSince  as of the scope so far; what it hides and has no entry here was hidden from the beginning
 * @param atSecond     where the export stands: everything before it was asked for by the scope so far
 */
export function changeScope(
  before: ExportScope,
  after: ExportScope,
  hiddenSince: ScopeChange['hiddenSince'],
  atSecond: number,
): ScopeChange {
  const hiddenBefore = hiddenBy(before);
  const hiddenAfter = hiddenBy(after);
  const since: Partial<Record<UnseenWhat, number>> = {};
  for (const what of hiddenAfter) {
    since[what] = hiddenBefore.includes(what) ? (hiddenSince[what] ?? 0) : atSecond;
  }
  const shownAgain = hiddenBefore.filter((what) => !hiddenAfter.includes(what));
  const unseen = shownAgain
    .map((what) => ({ what, from: hiddenSince[what] ?? 0, until: atSecond - 1 }))
    .filter(({ from, until }) => from <= until);
  return { hiddenSince: since, unseen, widened: shownAgain.length > 0 };
}

export function isExportScope(
  value: Record<string, unknown>,
): value is Record<string, unknown> & ExportScope {
  const { excludeDeleted, supportTypes } = value;
  return (
    typeof excludeDeleted === 'boolean' &&
    (supportTypes === 'all' || supportTypes === 'agent' || supportTypes === 'ai_agent')
  );
}
