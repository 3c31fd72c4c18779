/** What takes time at a start, for the person who waits. */
export interface KafkaProgress {
  readonly stage:
    | 'checking_jars'
    | 'downloading_jars'
    | 'pulling_image'
    | 'formatting'
    | 'starting'
    | 'taking_over'
    | 'ready';
  /** A sentence for people. */
  readonly text: string;
  /** Jars downloaded so far and in all; only while downloading. */
  readonly done?: number;
  readonly total?: number;
}

export type OnProgress = (progress: KafkaProgress) => void;
