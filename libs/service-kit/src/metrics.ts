import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Name, text and labels of one metric; `name` without the service's prefix. */
export interface MetricOptions<Label extends string> {
  readonly name: string;
  /** Whether the name is one that others' dashboards know, and gets no prefix. Default false. */
  readonly isKnownName?: boolean;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export interface CounterOptions<Label extends string> extends MetricOptions<Label> {
  /**
   * Called at each scrape with the counter at 0, to raise it to the total: for totals that are counted elsewhere
   * because a call for each event would cost too much.
   */
  readonly collect?: (counter: Counter<Label>) => void;
}

export interface GaugeOptions<Label extends string> extends MetricOptions<Label> {
  /** Called at each scrape to set the gauge, for values that are cheaper to look up than to follow. */
  readonly collect?: (gauge: Gauge<Label>) => void;
}

export interface HistogramOptions<Label extends string> extends MetricOptions<Label> {
  /** Upper bounds; seconds where the name ends in `_seconds`. */
  readonly buckets: readonly number[];
}

/** One row of the generated reference. */
export interface MetricRow {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/**
 * The metrics of one process. Each process has a registry of its own, so several services can live in one test
 * process. Labels have few values by design: never a principal, an id or a path.
 */
export interface Metrics {
  readonly prefix: string;
  counter<Label extends string = never>(options: CounterOptions<Label>): Counter<Label>;
  gauge<Label extends string = never>(options: GaugeOptions<Label>): Gauge<Label>;
  histogram<Label extends string = never>(options: HistogramOptions<Label>): Histogram<Label>;
  /** The Prometheus text format. */
  text(): Promise<string>;
  /** The metrics of this service, without those of Node itself, sorted by name. */
  list(): MetricRow[];
}

export type { Counter, Gauge, Histogram };
export const METRICS_MEDIA_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** Creates the metrics of a service: every name gets the prefix `tidewire_<service>_`. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  const prefix = `tidewire_${service.replaceAll('-', '_')}_`;
  const rows: MetricRow[] = [];
  collectDefaultMetrics({ register: registry });

  const declare = (type: string, options: MetricOptions<string>) => {
    const labels = [...(options.labels ?? [])];
    const name = options.isKnownName === true ? options.name : `${prefix}${options.name}`;
    rows.push({ name, type, help: options.help, labels });
    return { name, help: options.help, registers: [registry] };
  };

  return {
    prefix,
    counter<Label extends string>(options: CounterOptions<Label>) {
      const { collect } = options;
      return new Counter<Label>({
        ...declare('counter', options),
        labelNames: [...(options.labels ?? [])],
        ...(collect === undefined
          ? {}
          : {
              collect(this: Counter<Label>) {
                this.reset();
                collect(this);
              },
            }),
      });
    },
    gauge<Label extends string>(options: GaugeOptions<Label>) {
      const { collect } = options;
      return new Gauge<Label>({
        ...declare('gauge', options),
        labelNames: [...(options.labels ?? [])],
        ...(collect === undefined
          ? {}
          : {
              collect(this: Gauge<Label>) {
                collect(this);
              },
            }),
      });
    },
    histogram<Label extends string>(options: HistogramOptions<Label>) {
      return new Histogram<Label>({
        ...declare('histogram', options),
        labelNames: [...(options.labels ?? [])],
        buckets: [...options.buckets],
      });
    },
    text: () => registry.metrics(),
    list: () => rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
