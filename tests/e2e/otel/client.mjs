// A program instrumented with OpenTelemetry's own SDK, for the end-to-end tests: it emits what it is told and says how
// often an export succeeded.
//
//     node client.mjs logs|metrics proto|json URL KEY COUNT
//
// logs: COUNT numbered records over a few seconds. metrics: COUNT steps of a counter, a histogram and a gauge, exported
// after every hundred. The last line of the output is JSON. Retries are the exporters' own.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { resourceFromAttributes } = require('@opentelemetry/resources');

const [signal, form, url, key, countText] = process.argv.slice(2);
const count = Number(countText);
const kind = form === 'proto' ? 'proto' : 'http';
const options = {
  url: `${url}/v1/${signal}`,
  headers: { Authorization: `Bearer ${key}` },
  timeoutMillis: 60_000,
  compression: 'gzip',
};
const resource = resourceFromAttributes({ 'service.name': 'otel-client', 'host.name': 'otel-host' });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Counts what the exporter says of each export.
const exports = { succeeded: 0, failed: 0 };
function counted(exporter) {
  const inner = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    inner(items, (result) => {
      exports[result.code === 0 ? 'succeeded' : 'failed'] += 1;
      if (result.code !== 0) console.error('export failed:', result.error?.message);
      done(result);
    });
  return exporter;
}

async function logs() {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
  const processor = new BatchLogRecordProcessor(counted(new OTLPLogExporter(options)), {
    maxQueueSize: count + 1,
    maxExportBatchSize: 200,
    scheduledDelayMillis: 100,
    exportTimeoutMillis: 60_000,
  });
  const provider = new LoggerProvider({ resource, processors: [processor] });
  const logger = provider.getLogger('client');
  for (let i = 0; i < count; i += 1) {
    logger.emit({ severityNumber: 9, severityText: 'INFO', body: `record ${i} of the client`, attributes: { i } });
    if (i % 100 === 99) await pause(50);
  }
  await provider.forceFlush();
  await provider.shutdown();
}

async function metrics() {
  const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
  const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${kind}`);
  const reader = new PeriodicExportingMetricReader({
    exporter: counted(new OTLPMetricExporter(options)),
    exportIntervalMillis: 3_600_000, // only when told
    exportTimeoutMillis: 60_000,
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter('client');
  const steps = meter.createCounter('client.steps', { unit: '1' });
  const sizes = meter.createHistogram('client.sizes', { unit: 'By' });
  for (let i = 0; i < count; i += 1) {
    steps.add(1, { part: 'a' });
    sizes.record(i % 100);
    if (i % 100 === 99) {
      await provider.forceFlush();
      await pause(50);
    }
  }
  await provider.forceFlush();
  await provider.shutdown();
}

await (signal === 'logs' ? logs() : metrics());
console.log(JSON.stringify({ count, ...exports }));
