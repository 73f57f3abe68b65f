import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page, Request } from 'playwright-core';
import { expect } from 'vitest';
import { keepScreenshot } from './browser.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const NARROWEST = { width: 360, height: 640 };

/** The browser logs these for each answer with an error status, and while the server is away. */
const EXPECTED_PROBLEM = /^(Failed to load resource: |WebSocket connection to \S+ failed: )/;

/** A browser window that records errors, warnings and requests. */
export class Person {
  readonly problems: string[] = [];
  readonly requests: Request[] = [];

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.setDefaultTimeout(15_000);
    context.on('request', (request) => this.requests.push(request));
    context.on('weberror', (error) => this.problems.push(error.error().message));
    context.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !EXPECTED_PROBLEM.test(message.text())) {
        this.problems.push(message.text());
      }
    });
  }

  static async with(browser: Browser, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: SIZES.desktop, ...options });
    return new Person(context, await context.newPage());
  }

  close = () => this.context.close();

  /** Returns the visible main heading. */
  heading = () => this.page.locator('h1:visible').innerText();

  /** Returns the id of the element that has the focus. */
  focused = () => this.page.locator(':focus').getAttribute('id');

  /** `METHOD url` of each request of the browser. */
  get sent(): string[] {
    return this.requests.map((request) => `${request.method()} ${request.url()}`);
  }

  /** Checks the accessibility of the page in light and dark mode, and saves screenshots. */
  async review(name: string, rules?: string[]): Promise<void> {
    const { page } = this;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [device, size] of Object.entries(SIZES)) {
        await page.setViewportSize(size);
        await keepScreenshot(page, `${name}-${device}-${colorScheme}`);
      }
      expect(await this.violations(rules), `${name}, ${colorScheme}`).toEqual([]);
    }
    await page.setViewportSize(NARROWEST);
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width, `${name} on a narrow phone`).toBeLessThanOrEqual(NARROWEST.width);
    await page.setViewportSize(SIZES.desktop);
  }

  private async violations(tags?: string[]): Promise<string[]> {
    // Through the debugger, because the page's content security policy blocks other scripts.
    const debug = await this.context.newCDPSession(this.page);
    const options = tags ? { runOnly: { type: 'tag', values: tags } } : {};
    const expression = `${AXE}; axe.run(document, ${JSON.stringify(options)}).then(JSON.stringify)`;
    const { result, exceptionDetails } = await debug.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    await debug.detach();
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
    const { violations, passes } = JSON.parse(result.value as string) as AxeResults;
    expect(passes.length).toBeGreaterThan(5);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(', ')}`);
  }
}
